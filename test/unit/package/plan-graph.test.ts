import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createSession } from '../../../src/executors/create-session.js';
import type { Graph } from '../../../src/graph/graph.js';
import { canonicalise } from '../../../src/graph/index.js';
import { readOnnx } from '../../../src/model/index.js';
import { encodeOnnx } from '../../../src/package/onnx-writer.js';
import { graphOfPlan } from '../../../src/package/plan-graph/index.js';
import { decompose } from '../../../src/pipeline.js';
import { buildPlan, runReference } from '../../../src/plan/index.js';
import { evaluate } from '../../../src/runtime/extent.js';
import type { Plan } from '../../../src/runtime/plan.js';
import { elementCount, Tensor } from '../../../src/runtime/tensor.js';
import { createRandom } from '../../oracle/random.js';
import { withCode } from '../../support/codes.js';
import { graphOf, int64, node, port } from '../../support/graph.js';
import { normalRows, plantedBlocks } from '../../support/networks.js';
import { randomGraph } from '../../support/random-graph.js';

const random = createRandom(3);

function values(...dims: number[]): Tensor<'float32'> {
  return new Tensor('float32', Float32Array.from({ length: elementCount(dims) }, random.normal), dims);
}

function feedsOf({ inputs, symbols }: Plan, sizes: readonly number[]): Record<string, Tensor> {
  const bindings = new Map(symbols.map((name, i) => [name, sizes[i % sizes.length]]));
  return Object.fromEntries(
    inputs.map(({ name, dtype, shape }) => {
      const dims = shape.map((dim) => evaluate(dim, bindings));
      const whole = { int64: BigInt64Array, int32: Int32Array, uint8: Uint8Array, float32: null }[dtype as 'int64'];
      if (!whole) return [name, values(...dims)];
      const ids = Array.from({ length: elementCount(dims) }, () => Math.floor(random.uniform() * 8));
      return [name, new Tensor(dtype, whole.from(ids as never, (dtype === 'int64' ? BigInt : Number) as never), dims)];
    }),
  );
}

/**
 * Runs a plan and the ONNX file of its graph, which holds standard operators only.
 * @param tolerance  0: to the bit
 */
async function sameAs(
  plan: Plan,
  tolerance = 0,
  sizeLists: readonly (readonly number[])[] = [
    [3, 5],
    [1, 2],
    [6, 4],
  ],
) {
  const graph = graphOfPlan(plan);
  const back = readOnnx(encodeOnnx(graph)).graph;
  assert.deepEqual(new Set(back.nodes.map(({ domain }) => domain)), new Set(['']));
  const written = buildPlan(canonicalise(back));
  const [one, other] = [plan, written].map((each) => createSession(each, null, { executor: 'wasm', runReference }));
  for (const sizes of sizeLists) {
    const feeds = feedsOf(plan, sizes);
    const [expected, got] = [await one.run(feeds), await other.run(feeds)];
    assert.deepEqual(Object.keys(got), Object.keys(expected));
    for (const [name, { dims, data }] of Object.entries(expected)) {
      assert.deepEqual(got[name].dims, dims);
      const worst = Array.from(data as ArrayLike<number | bigint>, Number).reduce((most, value, i) => {
        const difference = Object.is(value, Number(got[name].data[i]))
          ? 0
          : Math.abs(value - Number(got[name].data[i]));
        return Number.isNaN(difference) ? most : Math.max(most, difference);
      }, 0);
      assert.ok(worst <= tolerance, `${name}: ${worst}`);
    }
  }
  await one.release();
  await other.release();
  return back;
}

const planOf = (graph: Graph) => buildPlan(canonicalise(graph));
const opsOf = (graph: Graph) => graph.nodes.map(({ op }) => op);

describe('graphOfPlan', () => {
  it('writes a digits net as the layers that it has, to the bit', async () => {
    const back = await sameAs(planOf(readOnnx(readFileSync('test/golden/digits/digits.onnx')).graph));
    assert.deepEqual(opsOf(back), ['Gemm', 'Relu', 'Gemm', 'Relu', 'Gemm']);
  });

  it('writes random graphs', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const { graph } = randomGraph(createRandom(seed), 8);
      await sameAs(planOf(graph), 2e-5);
    }
  });

  it('writes blocks side by side, whose rows stand in one buffer, and a bus', async () => {
    const model = { format: 'onnx', unsupported: [], sha256: '0'.repeat(64) } as const;
    const blocks = await decompose({ ...model, graph: plantedBlocks(1, [64, 96, 48, 24], 4) }, { parts: 4 });
    await sameAs(blocks.package.plan);
    const x = normalRows(2, 900, 48);
    const options = { calibration: { x }, parts: 2, bus: 8, maxDisagreement: 0.5, decision: 'error:0.9' } as const;
    const joined = await decompose({ ...model, graph: plantedBlocks(2, [48, 64, 48, 8], 2) }, options);
    await sameAs(joined.package.plan);
  });

  it('writes convolutions, grouped and padded, and both poolings', async () => {
    const graph = graphOf({
      inputs: [port('x', ['n', 4, 9, 7])],
      outputs: ['y'],
      nodes: [
        node('Conv', ['x', 'K', 'b'], 'c', { group: 2, pads: [1, 0, 2, 1], strides: [2, 1], dilations: [1, 2] }),
        node('Relu', ['c'], 'r'),
        node('MaxPool', ['r'], 'm', { kernel_shape: [2, 2], pads: [1, 1, 0, 0], strides: [2, 1] }),
        node('AveragePool', ['m'], 'a', { kernel_shape: [2, 2], pads: [0, 1, 1, 0] }),
        node('GlobalAveragePool', ['a'], 'g'),
        node('Flatten', ['g'], 'y'),
      ],
      constants: { K: values(6, 2, 3, 2), b: values(6) },
    });
    const back = await sameAs(planOf(graph), 1e-5);
    assert.ok(['Conv', 'MaxPool'].every((op) => opsOf(back).includes(op)));
    const line = graphOf({
      inputs: [port('x', ['n', 3, 11])],
      outputs: ['y'],
      nodes: [node('Conv', ['x', 'K'], 'y', { strides: [3], pads: [2, 0] })],
      constants: { K: values(5, 3, 4) },
    });
    await sameAs(planOf(line));
  });

  for (const op of ['LSTM', 'GRU'] as const) {
    it(`writes ${op} in every direction, over sequences and batches of any size`, async () => {
      const [gates, H, I] = [op === 'LSTM' ? 4 : 3, 5, 3];
      for (const direction of ['forward', 'reverse', 'bidirectional']) {
        const D = direction === 'bidirectional' ? 2 : 1;
        for (const extra of op === 'LSTM' ? [{}] : [{ linear_before_reset: 0 }, { linear_before_reset: 1 }]) {
          const graph = graphOf({
            inputs: [port('x', ['t', 'n', I])],
            outputs: ['y', 'h'],
            nodes: [node(op, ['x', 'W', 'R', 'B'], ['y', 'h'], { hidden_size: H, direction, ...extra })],
            constants: { W: values(D, gates * H, I), R: values(D, gates * H, H), B: values(D, 2 * gates * H) },
          });
          await sameAs(planOf(graph), 1e-5);
        }
      }
    });
  }

  it('writes attention, also where sequences have any length', async () => {
    for (const T of [6, 't']) {
      const graph = graphOf({
        inputs: [port('q', ['n', T, 8]), port('k', ['n', T, 8]), port('mask', [T, T])],
        outputs: ['y'],
        nodes: [
          node('Transpose', ['k'], 'kt', { perm: [0, 2, 1] }),
          node('MatMul', ['q', 'kt'], 's'),
          node('Mul', ['s', 'scale'], 'm'),
          node('Add', ['m', 'mask'], 'p'),
          node('Softmax', ['p'], 'w', { axis: -1 }),
          node('MatMul', ['w', 'k'], 'y'),
        ],
        constants: { scale: new Tensor('float32', Float32Array.of(0.35), []) },
      });
      await sameAs(planOf(graph), 1e-5);
    }
  });

  it('reads pieces of tables behind a past of any length, whose bounds are of the plan alone', async () => {
    const graph = graphOf({
      inputs: [port('x', ['s', 4]), port('past', ['p', 4])],
      outputs: ['y', 'triangle'],
      nodes: [
        node('Concat', ['past', 'x'], 'all', { axis: 0 }),
        node('Shape', ['all'], 'end', { end: 1 }),
        node('Shape', ['past'], 'start', { end: 1 }),
        node('Slice', ['table', 'start', 'end'], 'piece'),
        node('Slice', ['piece', 'zero', 'end', 'one'], 'triangle'),
        node('Slice', ['table', 'zero', 'four', 'one'], 'narrow'),
        node('Slice', ['narrow', 'start', 'end'], 'places'),
        node('Add', ['x', 'places'], 'y'),
      ],
      constants: { table: values(12, 12), zero: int64(0), one: int64(1), four: int64(4) },
    });
    await sameAs(buildPlan(canonicalise(graph)));
  });

  it('writes products of bytes, gathers, bags of embeddings and what no kernel does', async () => {
    const bytes = graphOf({
      inputs: [port('x', ['n', 6], 'uint8')],
      outputs: ['y'],
      nodes: [node('MatMulInteger', ['x', 'W', 'z'], 'i'), node('Cast', ['i'], 'y', { to: 1 })],
      constants: {
        W: new Tensor(
          'int8',
          Int8Array.from({ length: 24 }, (_, i) => (i * 37) % 256),
          [6, 4],
        ),
        z: new Tensor('uint8', Uint8Array.of(3), []),
      },
    });
    await sameAs(planOf(bytes));
    const table = graphOf({
      inputs: [port('ids', ['n', 't'], 'int64')],
      outputs: ['y', 's'],
      nodes: [
        node('Gather', ['table', 'ids'], 'rows'),
        node('ReduceMean', ['rows'], 'y', { axes: [1], keepdims: 0 }),
        node('Sin', ['y'], 's'),
      ],
      constants: { table: values(8, 5) },
    });
    await sameAs(planOf(table), 1e-5);
  });

  it('writes float16 weights as they are, and int8 ones as the numbers that they stand for', async () => {
    const model = { format: 'onnx', unsupported: [], sha256: '0'.repeat(64) } as const;
    const x = normalRows(4, 900, 64);
    for (const [weights, tolerance] of [
      ['f16', 0],
      ['int8', 0.01],
    ] as const) {
      const options = { calibration: { x }, weights, maxDisagreement: 0.5, cascade: 'off' } as const;
      const made = await decompose({ ...model, graph: plantedBlocks(1, [64, 96, 48, 24], 4) }, options);
      await sameAs(made.package.plan, tolerance);
    }
  });

  it('writes outputs that are inputs, or stand twice', async () => {
    const graph = graphOf({
      inputs: [port('x', ['n', 3])],
      outputs: ['x', 'y', 'z'],
      nodes: [node('Relu', ['x'], 'y'), node('Identity', ['y'], 'z')],
    });
    await sameAs(planOf(graph));
  });

  it('names a step that it cannot write', () => {
    const plan = planOf(
      graphOf({ inputs: [port('x', ['n', 2])], outputs: ['y'], nodes: [node('Sin', ['x'], 'y')], opset: 9 }),
    );
    assert.throws(() => graphOfPlan(plan), withCode('OPERATOR_UNSUPPORTED', 'operator set 9', 'decompose --onnx'));
  });
});
