import assert from 'node:assert/strict';
import { encodePackage } from '../../../src/package/kerf-writer.js';
import { decodePackage } from '../../../src/runtime/format/decode-package.js';
import { isPackage } from '../../../src/runtime/format/package-reader.js';
import type { Plan } from '../../../src/runtime/plan.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../../src/runtime/wasm-executor.js';
import { withCode } from '../../support/codes.js';
import { packageOf } from '../../support/packages.js';
import { batch, mlpPlan, onePart, rowsOf, step } from '../../support/plans.js';
import { Random } from '../../support/random.js';
import { randomPlan } from '../../support/random-plan.js';

/** y = f(x) for one step on x [batch, 3]. */
function stepPlan(kind: string, params: Plan['steps'][number]['params'], readsX = true): Plan {
  const steps = [step(kind, readsX ? [{ buffer: 0 }] : [], [{ buffer: 1 }], params, 'node')];
  return {
    version: 1,
    symbols: ['batch'],
    inputs: [{ name: 'x', dtype: 'float32', shape: [batch, 3], buffer: 0 }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [batch, 3], buffer: 1 }],
    buffers: [0, 1].map(() => ({ dtype: 'float32', size: rowsOf(3) })),
    weights: [],
    steps,
    parts: onePart(steps),
    rows: 'batch',
  };
}

describe('encodePackage', () => {
  it('comes back from decodePackage as it was (20 random plans)', () => {
    for (let seed = 0; seed < 20; seed++) {
      const plan = randomPlan(new Random(seed));
      const decoded = decodePackage(encodePackage(packageOf(plan)));
      assert.deepEqual(decoded.plan, plan);
      assert.equal(decoded.certificate, null);
      assert.deepEqual(decoded.source, packageOf(plan).source);
    }
  });

  it('gives the same bytes for the same package, whatever the order of its options', () => {
    const plan = mlpPlan();
    const source = packageOf(plan).source;
    const a = encodePackage({ plan, certificate: null, source: { ...source, options: { b: 1, a: { d: 2, c: 3 } } } });
    const b = encodePackage({ plan, certificate: null, source: { ...source, options: { a: { c: 3, d: 2 }, b: 1 } } });
    assert.deepEqual(a, b);
    assert.ok(isPackage(a));
    assert.ok(!isPackage(a.subarray(0, 8)));
  });

  it('keeps every dtype, names that look like numbers, and empty weights', () => {
    const plan = mlpPlan();
    const extra: Plan['weights'] = [
      { name: '7', dtype: 'int64', shape: [3], layout: 'plain', data: BigInt64Array.of(1n, -2n, 3n) },
      { name: '__proto__', dtype: 'bool', shape: [5], layout: 'plain', data: Uint8Array.of(1, 0, 1, 1, 0) },
      { name: 'half', dtype: 'float16', shape: [1, 1], layout: 'plain', data: Uint16Array.of(0x3c00) },
      { name: '', dtype: 'float64', shape: [0, 4], layout: 'plain', data: new Float64Array(0) },
    ];
    const whole = { ...plan, weights: [...plan.weights, ...extra] };
    assert.deepEqual(decodePackage(encodePackage(packageOf(whole))).plan, whole);
  });

  it('aligns the payload and every tensor to 64 bytes', () => {
    const bytes = encodePackage(packageOf(mlpPlan()));
    const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    assert.equal((8 + headerBytes) % 64, 0);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerBytes)));
    assert.deepEqual(
      header.fc1.data_offsets.map((at: number) => at % 64),
      [0, 0],
    );
    assert.equal(header.fc1.shape[0] * 4, header.fc1.data_offsets[1] - header.fc1.data_offsets[0]);
  });

  it('leaves open bounds out and writes an infinite fill by its bits', async () => {
    const x = new Tensor('float32', Float32Array.of(-1, 0, 7), [1, 3]);
    const through = (plan: Plan) => {
      const { plan: decoded } = decodePackage(encodePackage(packageOf(plan)));
      return [...createWasmExecutor(decoded).runSync({ x }, {}).y.data];
    };
    const infinity = { real: Number.POSITIVE_INFINITY };
    assert.deepEqual(
      through(stepPlan('unary', { f: 'clip', count: rowsOf(3), alpha: { real: 0 }, beta: infinity })),
      [0, 0, 7],
    );
    const fill = stepPlan('fill', { count: rowsOf(3), value: { real: Number.NEGATIVE_INFINITY } }, false);
    assert.deepEqual(through(fill), [-Infinity, -Infinity, -Infinity]);
    const elu = stepPlan('unary', { f: 'elu', count: rowsOf(3), alpha: infinity });
    assert.throws(() => encodePackage(packageOf(elu)), withCode('PACKAGE_INVALID', '"alpha"', 'Infinity'));
  });

  it('refuses two weights of one name', () => {
    const plan = mlpPlan();
    const twice = { ...plan, weights: [plan.weights[0], plan.weights[0]] };
    assert.throws(() => encodePackage(packageOf(twice)), withCode('PACKAGE_INVALID', '"fc1"', 'twice'));
  });
});
