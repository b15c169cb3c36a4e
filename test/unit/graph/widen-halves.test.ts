/** Networks of halves: computed in float32, rounded at their edges. */
import assert from 'node:assert/strict';
import { canonicalise } from '../../../src/graph/canonicalise.js';
import type { Graph } from '../../../src/graph/graph.js';
import { halfToNumber, narrowToHalves, numberToHalf, widenHalf } from '../../../src/graph/operators/half.js';
import { widenHalves } from '../../../src/graph/widen-halves.js';
import { buildPlan, runReference } from '../../../src/plan/index.js';
import type { Feeds, Outputs } from '../../../src/runtime/executor.js';
import { type DType, Tensor } from '../../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../../src/runtime/wasm-executor.js';
import { graphOf, node, port } from '../../support/graph.js';
import { Random } from '../../support/random.js';

const random = new Random(12);

/** Halves, and the same numbers as float32. */
function pair(...dims: number[]): Record<'float16' | 'float32', Tensor> {
  const halves = narrowToHalves(random.floats(dims.reduce((product, dim) => product * dim, 1)));
  return { float16: new Tensor('float16', halves, dims), float32: new Tensor('float32', widenHalf(halves), dims) };
}

/** Declared outputs, as files have them. */
function declared(graph: Graph, dtype: DType, ...shape: number[]): Graph {
  return { ...graph, outputs: graph.outputs.map(({ name }) => ({ name, dtype, shape })) };
}

function run(graph: Graph, feeds: Feeds): Outputs {
  return createWasmExecutor(buildPlan(canonicalise(graph)), { runReference }).runSync(feeds, {});
}

const rounded = ({ data, dims }: Tensor) => new Tensor('float16', narrowToHalves(data as Float32Array), dims);

describe('halves', () => {
  it('are rounded alike one by one and many at a time, and widened exactly', () => {
    const edges = [
      0,
      -0,
      1,
      65504,
      65519.9,
      65520,
      1e9,
      Infinity,
      NaN,
      2 ** -14,
      2 ** -24,
      2 ** -25,
      3 * 2 ** -26,
      2049,
      2051,
    ];
    const values = Float32Array.from({ length: 20_000 }, () => (2 * random.next() - 1) * 2 ** random.integer(-26, 17));
    const all = Float32Array.from([...edges, ...edges.map((value) => -value), ...values]);
    const many = narrowToHalves(all);
    for (const [i, value] of all.entries()) assert.equal(many[i], numberToHalf(value), `${value}`);
    const patterns = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
    const wide = widenHalf(patterns);
    for (const bits of patterns) assert.ok(Object.is(wide[bits], Math.fround(halfToNumber(bits))), `${bits}`);
  });
});

describe('networks of halves', () => {
  const [x, w, b] = [pair(3, 6), pair(5, 6), pair(5)];

  it('give what they give in float32, rounded, with casts at the edges alone', () => {
    const network = (dtype: 'float16' | 'float32') =>
      declared(
        graphOf({
          inputs: [port('x', ['n', 6], dtype)],
          outputs: ['y'],
          nodes: [
            node('Gemm', ['x', 'w', 'b'], 'h', { transB: 1 }),
            node('Cast', ['h'], 'c', { to: dtype === 'float16' ? 10 : 1 }),
            node('Constant', [], 'two', { value: dtype === 'float16' ? rounded(two) : two }),
            node('Mul', ['c', 'two'], 'm'),
            node('Sigmoid', ['m'], 'y'),
          ],
          constants: { w: w[dtype], b: b[dtype] },
        }),
        dtype,
        3,
        5,
      );
    const two = new Tensor('float32', Float32Array.of(2), [1]);
    const { steps } = buildPlan(canonicalise(network('float16')));
    assert.deepEqual(
      steps.filter(({ kind }) => kind === 'reference').map(({ params: { op } }) => op),
      ['Cast', 'Cast'],
    );
    const { y } = run(network('float16'), { x: x.float16 });
    assert.deepEqual(y, rounded(run(network('float32'), { x: x.float32 }).y));
    const once = canonicalise(network('float16'));
    assert.equal(widenHalves(once), once);
  });

  it('keep branches, dtypes that attributes name, and inputs that are outputs', () => {
    const body = (name: string, op: string): Graph => ({
      ...declared(
        graphOf({ inputs: [], outputs: [name], nodes: [node(op, ['x', 'w'], name)], constants: { w: w.float16 } }),
        'float16',
        5,
        6,
      ),
      name,
    });
    const graph = graphOf({
      inputs: [port('x', [5, 6], 'float16')],
      outputs: ['y', 'e', 'x'],
      nodes: [
        node('If', ['condition'], 'z', { then_branch: body('t', 'Add'), else_branch: body('f', 'Sub') }),
        node('EyeLike', ['z'], 'e', { dtype: 10 }),
        node('Add', ['z', 'e'], 'y'),
      ],
      constants: { condition: new Tensor('bool', Uint8Array.of(1), []) },
    });
    const input = pair(5, 6);
    const outputs = run(declared(graph, 'float16', 5, 6), { x: input.float16 });
    const wide = (index: number) => (input.float32.data[index] as number) + (w.float32.data[index] as number);
    const expected = Float32Array.from({ length: 30 }, (_, i) => Math.fround(wide(i)) + (i % 7 === 0 ? 1 : 0));
    assert.deepEqual(outputs.y, new Tensor('float16', narrowToHalves(expected), [5, 6]));
    assert.deepEqual(outputs.x, input.float16);
    assert.deepEqual(
      [...widenHalf(outputs.e.data as Uint16Array)].map((value, i) => value === (i % 7 === 0 ? 1 : 0)),
      new Array(30).fill(true),
    );
  });

  it('leave others as they are', () => {
    const nodes = [node('Relu', ['x'], 'y')];
    const single = declared(graphOf({ inputs: [port('x', [2])], outputs: ['y'], nodes }), 'float32', 2);
    assert.equal(widenHalves(single), single);
    const unsaid = graphOf({ inputs: [port('x', [2], 'float16')], outputs: ['y'], nodes });
    assert.equal(widenHalves(unsaid), unsaid);
  });
});
