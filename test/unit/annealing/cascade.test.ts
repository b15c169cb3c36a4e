/** Choosing the margin under which the original runs, and packages that hold both networks. */
import assert from 'node:assert/strict';
import { CascadeChooser, marginRuleOf } from '../../../src/annealing/cascade.js';
import { createPackageSession } from '../../../src/executors/create-session.js';
import type { Graph, Model, Port } from '../../../src/graph/graph.js';
import { encodePackage } from '../../../src/package/kerf-writer.js';
import { type DecomposeOptions, decompose, verify } from '../../../src/pipeline.js';
import { decodePackage } from '../../../src/runtime/format/decode-package.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createRandom } from '../../oracle/random.js';
import { type LayerSpec, makeGraph, mlp, node, normalRows, randomLayer } from '../../support/networks.js';

const rule = { outputs: ['y'], decision: 'argmax', at: 0 } as const;

/** Two-class outputs with the given margins. */
function outputsOf(margins: readonly number[]) {
  const data = Float32Array.from(margins.flatMap((margin) => [margin, 0]));
  return { y: new Tensor('float32', data, [margins.length, 2]) };
}

/** Rank 6 plus noise, so that a low rank changes close decisions only. */
function almostLowRank(seed: number, out: number, inputs: number): LayerSpec {
  const random = createRandom(seed);
  const side = (n: number) => Array.from({ length: n }, () => Array.from({ length: 6 }, () => random.normal()));
  const [left, right] = [side(out), side(inputs)];
  const weight = left.map((row) =>
    right.map((column) => (row.reduce((sum, a, r) => sum + a * column[r], 0) + 0.5 * random.normal()) / 20),
  );
  return { weight, bias: Array.from({ length: out }, () => 0.1 * random.normal()) };
}

const modelOf = (graph: Graph): Model => ({ format: 'onnx', graph, unsupported: [], sha256: '0'.repeat(64) });
const net = modelOf(mlp([almostLowRank(1, 64, 64), randomLayer(createRandom(2), 5, 64, () => true)]));
const data: DecomposeOptions = {
  calibration: { x: normalRows(3, 2000, 64) },
  guard: { x: normalRows(4, 3000, 64) },
};

describe('CascadeChooser', () => {
  const chooser = new CascadeChooser(
    rule,
    { macs: 1000, price: 2000, priceOfShare: (share) => 2000 * share },
    0.01,
    false,
  );
  const compressed = { name: 'rank', macs: 100, price: 200, value: net.graph, rate: 0 };

  it('falls back where rows differ, less with each offer, and counts the original once a row', () => {
    // 1000 rows with margins 0.001 .. 1; those at 0.05, 0.1, ... 0.4 differ.
    const margins = Array.from({ length: 1000 }, (_, i) => (i + 1) / 1000);
    const differs = Uint8Array.from(margins, (_, i) => ((i + 1) % 50 === 0 && i < 400 ? 1 : 0));
    const offers = chooser.offers(compressed, outputsOf(margins), differs);
    assert.deepEqual(
      offers.map(({ rate, macs, fallback }) => [rate, Math.round(macs), Number(fallback!.tau.toFixed(3))]),
      [
        [0, 899, 0.8],
        [0.001, 500, 0.401],
        [0.002, 450, 0.351],
        [0.003, 400, 0.301],
        [0.004, 350, 0.251],
        [0.005, 300, 0.201],
        [0.006, 250, 0.151],
        [0.007, 200, 0.101],
        [0.008, 150, 0.051],
      ],
    );
  });

  it('sends rows without a number to the original, and offers nothing dearer than it', () => {
    const differs = Uint8Array.from({ length: 100 }, (_, i) => (i < 2 ? 1 : 0));
    const offers = chooser.offers(compressed, outputsOf([Number.NaN, 3, ...Array(98).fill(5)]), differs);
    assert.deepEqual(
      offers.map(({ macs, fallback }) => [Math.round(macs), fallback!.tau]),
      [[120, 5]],
    );
    assert.deepEqual(chooser.offers(compressed, outputsOf([1, 2]), Uint8Array.of(0, 0)), []);
  });

  it('has no margins for relative errors and whole numbers', () => {
    assert.deepEqual(marginRuleOf(net.graph, { kind: 'threshold', at: 0.5 }), {
      outputs: ['y'],
      decision: 'threshold',
      at: 0.5,
    });
    assert.equal(marginRuleOf(net.graph, { kind: 'error', limit: 0.1 }), null);
    const outputs = [{ name: 'y', dtype: 'int64' as const, shape: [1] }];
    assert.equal(marginRuleOf({ ...net.graph, outputs }, { kind: 'argmax' }), null);
  });
});

describe('decompose with a cascade', () => {
  it('does less work at the same promise, certified at level D, and holds on new data', async () => {
    const [alone, made] = [await decompose(net, { ...data, cascade: 'off' }), await decompose(net, data)];
    const { certificate, macs, parameters } = made.summary;
    assert.equal(alone.package.cascade, null);
    assert.ok(macs.after < alone.summary.macs.after, `${macs.after} < ${alone.summary.macs.after}`);
    assert.equal(certificate.level, 'D');
    assert.ok(certificate.bound! <= 0.005 && certificate.fallbackRate > 0);
    assert.match(certificate.statement, /not sure run the original: [\d.]+ % of the guard's/);
    assert.ok(macs.after > certificate.fallbackRate * macs.before);
    assert.equal(parameters.stored, parameters.before + parameters.after);
    assert.ok(made.package.cascade!.rule.maxFallbackRate > certificate.fallbackRate);
    const bytes = encodePackage(made.package);
    assert.deepEqual(encodePackage((await decompose(net, data)).package), bytes, 'not deterministic');
    const session = createPackageSession(decodePackage(bytes), { executor: 'wasm' });
    const { passed, n } = await verify(session, net, { x: normalRows(5, 3000, 64) });
    assert.deepEqual([passed, n], [true, 3000]);
    assert.ok(Math.abs(session.stats().fallbackRate - certificate.fallbackRate) < 0.03);
    await session.release();
  });

  it('is the same for a model whose first axis is fixed at one', async () => {
    const fixed = ({ name, dtype, shape }: Port): Port => ({ name, dtype, shape: [1, ...shape.slice(1)] });
    const { graph } = net;
    const single = modelOf({ ...graph, inputs: graph.inputs.map(fixed), outputs: graph.outputs.map(fixed) });
    const [made, batched] = [await decompose(single, data), await decompose(net, data)];
    assert.equal(made.summary.certificate.level, 'D');
    assert.deepEqual(made.summary.macs, batched.summary.macs);
    const session = createPackageSession(decodePackage(encodePackage(made.package)), { executor: 'wasm' });
    const { passed, n } = await verify(session, single, { x: normalRows(5, 500, 64) });
    assert.deepEqual([passed, n], [true, 500]);
    assert.ok(Math.abs(session.stats().fallbackRate! - made.summary.certificate.fallbackRate) < 0.05);
    await session.release();
  });

  it('fails when one is demanded and cannot be', async () => {
    const refused = (options: DecomposeOptions, model = net) => decompose(model, { ...options, cascade: 'on' });
    await assert.rejects(refused({}), { code: 'OPTION_INVALID' });
    await assert.rejects(refused({ ...data, decision: 'error:0.1' }), { code: 'OPTION_INVALID' });
    const dense = modelOf(mlp([randomLayer(createRandom(6), 5, 64, () => true)]));
    await assert.rejects(refused(data, dense), { code: 'GUARD_FAILED', exitCode: 4 });
    const mixed = modelOf(
      makeGraph({ x: 64 }, [node('mean', 'ReduceMean', ['x'], 'm'), node('y', 'Sub', ['x', 'm'])], {}),
    );
    await assert.rejects(refused(data, mixed), { code: 'OPTION_INVALID' });
    assert.equal((await decompose(mixed, data)).package.cascade, null);
  });
});
