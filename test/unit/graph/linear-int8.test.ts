import assert from 'node:assert/strict';
import { createPoolExecutor } from '../../../src/executors/pool.js';
import type { Graph } from '../../../src/graph/graph.js';
import { inferFacts } from '../../../src/graph/infer.js';
import { encodePackage } from '../../../src/package/kerf-writer.js';
import { buildPlan } from '../../../src/plan/build-plan.js';
import { decodePackage } from '../../../src/runtime/format/decode-package.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../../src/runtime/wasm-executor.js';
import { assertSameBits, randomFloats } from '../../oracle/linear-case.js';
import { withCode } from '../../support/codes.js';
import { graphOf, node, port } from '../../support/graph.js';
import { packageOf, withPlan } from '../../support/packages.js';

const [K, R, H, N] = [21, 6, 40, 10];

const floats = (seed: number, ...dims: number[]) =>
  new Tensor(
    'float32',
    randomFloats(
      dims.reduce((a, b) => a * b, 1),
      seed,
    ) as Float32Array<ArrayBuffer>,
    dims,
  );
const int8 = (seed: number, ...dims: number[]) =>
  new Tensor(
    'int8',
    Int8Array.from(floats(seed, ...dims).data, (value) => Math.round(127 * value)),
    dims,
  );

/** x, z side by side -> int8 -> Relu -> int8 without a bias; z = V x in int8 too. */
function network(): Graph {
  return graphOf({
    inputs: [port('x', ['n', K])],
    outputs: ['y'],
    nodes: [
      node('kerf.LinearInt8', ['x', 'V', 'sV'], 'z'),
      node('Concat', ['x', 'z'], 'xz', { axis: -1 }),
      node('kerf.LinearInt8', ['xz', 'W1', 's1', 'b1'], 'h'),
      node('Relu', ['h'], 'a'),
      node('kerf.LinearInt8', ['a', 'W2', 's2'], 'y'),
    ],
    constants: {
      V: int8(1, R, K),
      sV: floats(2, R),
      W1: int8(3, H, K + R),
      s1: floats(4, H),
      b1: floats(5, H),
      W2: int8(6, N, H),
      s2: floats(7, N),
    },
  });
}

/** What the reference evaluators make of the graph. */
function reference(graph: Graph, x: Tensor): Float32Array {
  const facts = inferFacts({ ...graph, inputs: [], initializers: new Map([...graph.initializers, ['x', x]]) });
  return facts.get('y')!.constant!.data as Float32Array;
}

describe('LinearInt8', () => {
  it('becomes one step each, with the clamp inside and both sources where they stand', () => {
    const { steps } = buildPlan(network());
    assert.deepEqual(
      steps.map(({ kind }) => kind),
      ['gemm-int8', 'gemm-int8', 'gemm-int8'],
    );
    assert.equal(steps[1]!.reads.length, 3);
    assert.deepEqual(steps[1]!.params['lo'], { real: 0 });
  });

  it('computes the bits of its reference, from a package too, and on any number of threads', async () => {
    const plan = buildPlan(network());
    const decoded = decodePackage(encodePackage(packageOf(plan))).plan;
    assert.deepEqual(decoded, plan);
    for (const rows of [1, 3, 200]) {
      const x = floats(rows, rows, K);
      const expected = reference(network(), x);
      for (const one of [plan, decoded]) {
        assertSameBits(createWasmExecutor(one).runSync({ x }, {})['y']!.data as Float32Array, expected, `${rows} rows`);
      }
      const pool = createPoolExecutor(plan, { threads: 2 });
      assertSameBits((await pool.run({ x }, {}))['y']!.data as Float32Array, expected, `${rows} rows, two threads`);
      await pool.release();
    }
  });

  it('stores a byte for each weight and two words for each output', () => {
    const { weights } = buildPlan(network());
    assert.deepEqual(
      weights.map(({ dtype, layout, data }) => [dtype, layout, data.byteLength]),
      [
        ['int8', 'panels-int8', 8 * (8 + 22)],
        ['int8', 'panels-int8', 40 * (8 + 28)],
        ['int8', 'panels-int8', 16 * (8 + 40)],
      ],
    );
  });

  it('refuses operands that do not fit', () => {
    const changed = (constants: Record<string, Tensor>) => ({
      ...network(),
      initializers: new Map([...network().initializers, ...Object.entries(constants)]),
    });
    assert.throws(() => inferFacts(changed({ V: floats(1, R, K) })), withCode('DTYPE_MISMATCH', 'z', 'int8'));
    assert.throws(() => inferFacts(changed({ sV: floats(1, R + 1) })), withCode('DTYPE_MISMATCH', 'z', '[6]'));
    assert.throws(() => inferFacts(changed({ V: int8(1, R, K + 1) })), withCode('SHAPE_MISMATCH', 'z'));
  });
});

describe('weights stored as float16', () => {
  const half = (stored: string | null) =>
    graphOf({
      inputs: [port('x', ['n', K])],
      outputs: ['y'],
      nodes: [node('kerf.Linear', ['x', 'W', 'b'], 'y', stored ? { stored } : {})],
      // Halves: 11 bits, some below the normal range.
      constants: {
        W: new Tensor(
          'float32',
          Float32Array.from({ length: N * K }, (_, i) => ((i * 37) % 2047) * 2 ** (-24 + (i % 9))),
          [N, K],
        ),
        b: new Tensor(
          'float32',
          Float32Array.from({ length: N }, (_, i) => i / 64 - 0.5),
          [N],
        ),
      },
    });

  it('take half the bytes and compute the same bits, from a package too', () => {
    const [plan, whole] = [buildPlan(half('float16')), buildPlan(half(null))];
    assert.equal(2 * plan.weights[0]!.data.byteLength, whole.weights[0]!.data.byteLength);
    const decoded = decodePackage(encodePackage(packageOf(plan))).plan;
    assert.deepEqual(decoded, plan);
    const x = floats(1, 5, K);
    const run = (one: typeof plan) => createWasmExecutor(one).runSync({ x }, {})['y']!.data as Float32Array;
    assertSameBits(run(decoded), run(whole), 'widened');
  });
});

describe('decodePackage with small weights', () => {
  const good = encodePackage(packageOf(buildPlan(network())));
  // biome-ignore lint/suspicious/noExplicitAny: reaches into the plan to break it
  const refused = (change: (plan: any) => unknown, ...words: string[]) =>
    assert.throws(() => decodePackage(withPlan(good, change)), withCode('PACKAGE_INVALID', ...words));

  it('refuses panels of other dtypes, shapes and layouts than a step reads', () => {
    refused((plan) => Object.assign(plan.weights[0], { layout: 'panels' }), 'float32 or float16');
    refused((plan) => Object.assign(plan.weights[0], { dtype: 'float32' }), 'panels-int8');
    refused((plan) => Object.assign(plan.weights[0], { shape: [R * K] }), 'matrix');
    refused((plan) => Object.assign(plan.weights[0], { shape: [R, K + 20] }), 'differs');
    refused((plan) => Object.assign(plan.weights[0], { layout: 'plain', shape: [8, 30] }), 'wrong layout');
    refused((plan) => Object.assign(plan.steps[0], { kind: 'gemm' }), 'wrong dtype');
  });

  it('refuses steps that reach beyond their operands', () => {
    refused((plan) => Object.assign(plan.steps[0].params, { K: K + 2 }), 'out of bounds');
    refused((plan) => Object.assign(plan.steps[0].params, { N: 16 }), 'out of bounds');
    refused((plan) => Object.assign(plan.steps[1].params, { R: R + 1 }), 'out of bounds');
  });
});
