/** Recurrent cells as layers: written out, cut, sampled, and a whole decomposition. */
import assert from 'node:assert/strict';
import { unrollRecurrences } from '../../../src/annealing/gradients/unroll.js';
import { Sampler } from '../../../src/annealing/layer-samples.js';
import { cellOf } from '../../../src/annealing/recurrences.js';
import { layersOf, linearsOf, withFactors } from '../../../src/annealing/rewrite.js';
import { decompose } from '../../../src/decompose.js';
import { createEvaluate } from '../../../src/evaluate-graph.js';
import { createPackageSession } from '../../../src/executors/create-session.js';
import { countMacs } from '../../../src/graph/cost.js';
import type { Attribute, Graph, Model } from '../../../src/graph/graph.js';
import { readOnnx } from '../../../src/model/onnx.js';
import { encodeOnnx } from '../../../src/package/onnx-writer.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { makeGraph, node, normalRows } from '../../support/networks.js';

const evaluate = createEvaluate();
const whole = (...values: number[]) => new Tensor('int64', BigInt64Array.from(values, BigInt), [values.length]);
const normals = (seed: number, dims: readonly number[], scale = 1) => {
  const size = dims.reduce((a, b) => a * b);
  const { data } = normalRows(seed, 1, size);
  return new Tensor(
    'float32',
    (data as Float32Array<ArrayBuffer>).map((v) => v * scale),
    dims,
  );
};

interface Shape {
  readonly op: 'LSTM' | 'GRU';
  readonly T: number;
  readonly I: number;
  readonly H: number;
  readonly direction?: string;
  /** The state's matrix, [1, gates H, H]. */
  readonly R?: Tensor;
  readonly outputs?: readonly string[];
}

/** x [n, T I] as T rows -> cell -> its last state -> fc -> y. */
function network({ op, T, I, H, direction = 'forward', R, outputs = ['', 'last'] }: Shape): Graph {
  const rows = (op === 'LSTM' ? 4 : 3) * H;
  const attributes: [string, Attribute][] = [
    ['hidden_size', H],
    ['direction', direction],
    ['linear_before_reset', 1],
  ];
  return makeGraph(
    { x: T * I },
    [
      node('r', 'Reshape', ['x', 'shape'], 'images'),
      { ...node('turn', 'Transpose', ['images'], 't'), attributes: new Map([['perm', [1, 0, 2]]]) },
      { ...node('cell', op, ['t', 'W', 'R', 'B']), outputs, attributes: new Map(attributes) },
      node('flat', 'Reshape', ['last', 'rows'], 'h'),
      node('fc', 'Linear', ['h', 'w', 'b'], 'y', 'kerf'),
    ],
    {
      shape: whole(-1, T, I),
      rows: whole(-1, H),
      W: normals(1, [1, rows, I], 0.7),
      R: R ?? normals(2, [1, rows, H], 1 / Math.sqrt(H)),
      B: normals(3, [1, 2 * rows], 0.2),
      w: normals(4, [3, H]),
      b: normals(5, [3], 0.1),
    },
  );
}

function assertClose(got: Tensor, expected: Tensor, tolerance: number): void {
  assert.deepEqual(got.dims, expected.dims);
  for (let i = 0; i < got.size; i++) {
    const error = Math.abs(Number(got.data[i]) - Number(expected.data[i]));
    assert.ok(error <= tolerance, `element ${i}: got ${got.data[i]}, expected ${expected.data[i]}`);
  }
}

/** Gates in f32 through few times: rounding stays far below, a wrong gate or order is off by about .1. */
const tolerance = 1e-5;

/** U V [rows, columns] of rank 2, so that the state still moves. */
function rankTwo(rows: number, columns: number): Tensor {
  const [u, v] = [normals(11, [rows, 2]), normals(12, [2, columns])];
  const data = Float32Array.from({ length: rows * columns }, (_, e) => {
    const [i, j] = [Math.floor(e / columns), e % columns];
    return 0.5 * (u.data[2 * i] * v.data[j] + u.data[2 * i + 1] * v.data[columns + j]);
  });
  return new Tensor('float32', data, [1, rows, columns]);
}

describe('recurrent cells as layers', () => {
  const shapes: readonly Shape[] = [
    { op: 'LSTM', T: 4, I: 3, H: 5 },
    { op: 'LSTM', T: 3, I: 2, H: 4, direction: 'reverse' },
    { op: 'GRU', T: 4, I: 3, H: 5 },
    { op: 'GRU', T: 3, I: 2, H: 4, direction: 'reverse' },
  ];
  for (const shape of shapes) {
    const what = `${shape.op} ${shape.direction ?? 'forward'}`;
    const outputs = ['all', 'last', ...(shape.op === 'LSTM' ? ['cells'] : [])];
    const rows = { x: normalRows(6, 3, shape.T * shape.I) };

    it(`compute the same written out: ${what}`, async () => {
      const ports = outputs.map((name) => ({ name, dtype: 'float32' as const, shape: [] }));
      const graph = { ...network({ ...shape, outputs }), outputs: ports };
      const unrolled = unrollRecurrences(graph);
      assert.ok(unrolled.graph.nodes.every(({ op }) => op !== shape.op));
      assert.deepEqual(new Set(unrolled.layerOf.values()), new Set(['cell/inputs', 'cell/state']));
      const [got, expected] = [await evaluate(unrolled.graph, rows), await evaluate(graph, rows)];
      for (const name of outputs) assertClose(got[name], expected[name], tolerance);
    });

    it(`compute the same in factors of full rank: ${what}`, async () => {
      const graph = network(shape);
      let factored = graph;
      for (const { name } of layersOf(graph).filter(({ recurrence }) => recurrence)) {
        const layer = layersOf(factored).find((one) => one.name === name)!;
        const [rank, data] = [layer.weight.dims[1], new Float64Array(layer.weight.data)];
        const identity = Float64Array.from({ length: rank * rank }, (_, e) => (e % (rank + 1) === 0 ? 1 : 0));
        factored = withFactors(factored, layer, {
          outer: { rows: layer.weight.dims[0], columns: rank, data },
          inner: { rows: rank, columns: rank, data: identity },
          bias: new Float64Array(layer.weight.dims[0]),
        });
      }
      assertClose((await evaluate(factored, rows)).y, (await evaluate(graph, rows)).y, tolerance);
      assert.equal(countMacs(factored) - countMacs(graph), shape.T * (shape.I ** 2 + shape.H ** 2));
    });

    it(`sample what their matrices are multiplied with: ${what}`, async () => {
      const graph = network({ ...shape, outputs: ['all', 'last'] });
      const weights = Float64Array.of(0.5, 1, 1.5);
      const sampler = new Sampler(graph, rows, evaluate, weights);
      const [inputs, state] = layersOf(graph);
      const { all, t } = await evaluate(graph, rows, ['all', 't']);
      const x = await sampler.of(graph, inputs, 'input');
      assert.deepEqual([x.positions, [...x.samples.data]], [shape.T, [...(t.data as Float32Array)]]);
      assert.deepEqual(
        [...x.samples.weights!],
        Array.from({ length: 3 * shape.T }, (_, row) => weights[row % 3]),
      );
      const h = await sampler.of(graph, state, 'input');
      const time = 3 * shape.H;
      const first = shape.direction === 'reverse' ? time : 0;
      const states = (all.data as Float32Array).subarray(first, first + time * (shape.T - 1));
      assert.deepEqual([h.positions, [...h.samples.data]], [shape.T, [...states]]);
      // The same samples where the network takes one row, or all three, at a time.
      for (const taken of [1, 3]) {
        const fixed = { ...graph, inputs: graph.inputs.map((port) => ({ ...port, shape: [taken, port.shape[1]] })) };
        for (const [layer, own] of [[inputs, x] as const, [state, h] as const]) {
          const { positions, samples } = await new Sampler(fixed, rows, evaluate, weights).of(fixed, layer, 'input');
          const times = own.samples.rows / 3;
          const places = Array.from({ length: own.samples.rows }, (_, i) => {
            return taken === 3 ? i : (i % times) * 3 + Math.floor(i / times);
          });
          const { columns, data } = own.samples;
          assert.equal(positions, shape.T);
          assert.deepEqual(
            [...samples.data],
            places.flatMap((place) => [...data.subarray(place * columns, (place + 1) * columns)]),
          );
          assert.deepEqual(
            [...samples.weights!],
            places.map((place) => own.samples.weights![place]),
          );
        }
      }
      // The same where nothing reads the states of all times.
      const bare = network(shape);
      const again = await new Sampler(bare, rows, evaluate, weights).of(bare, layersOf(bare)[1], 'input');
      assert.deepEqual(again.samples, h.samples);
    });
  }

  it('leave whole what is not as usual', () => {
    const graph = network(shapes[0]);
    const cell = graph.nodes.find(({ name }) => name === 'cell')!;
    assert.equal(linearsOf(graph).length, 1);
    assert.ok(cellOf(graph, cell));
    const other = (name: string, value: Attribute) =>
      cellOf(graph, { ...cell, attributes: new Map([...cell.attributes, [name, value]]) });
    assert.equal(other('clip', 1), undefined);
    assert.equal(other('activations', ['Relu', 'Tanh', 'Tanh']), undefined);
    assert.equal(other('direction', 'bidirectional'), undefined);
    const gru = network(shapes[2]);
    const before = gru.nodes.find(({ name }) => name === 'cell')!;
    const attributes = new Map<string, Attribute>([...before.attributes, ['linear_before_reset', 0]]);
    assert.equal(cellOf(gru, { ...before, attributes }), undefined);
  });

  for (const op of ['LSTM', 'GRU'] as const) {
    it(`find the rank of the state of a ${op}; package and ONNX file compute what the certificate covers`, async () => {
      const [T, I, H] = [5, 6, 16];
      const graph = network({ op, T, I, H, R: rankTwo((op === 'LSTM' ? 4 : 3) * H, H) });
      const model: Model = { format: 'onnx', graph, unsupported: [], sha256: '00' };
      const {
        package: made,
        summary,
        annealing,
      } = await decompose(model, {
        calibration: { x: normalRows(7, 600, T * I) },
        guard: { x: normalRows(8, 400, T * I) },
        maxDisagreement: 0.03,
        cascade: 'off',
      });
      assert.equal(annealing.withoutGradients.length, 0);
      const state = summary.layers.find(({ layer }) => layer === 'cell/state')!;
      assert.ok(state.choice === 'rank' && state.rank! <= 2, JSON.stringify(state));
      assert.equal(state.before, graph.initializers.get('R')!.size);
      assert.ok(summary.macs.after < 0.7 * summary.macs.before, JSON.stringify(summary.macs));
      const rows = { x: normalRows(9, 7, T * I) };
      const expected = (await evaluate(annealing.graph, rows)).y;
      const session = await createPackageSession(made, {});
      assertClose((await session.run(rows)).y, expected, tolerance);
      await session.release();
      const { graph: again } = readOnnx(encodeOnnx(annealing.graph));
      assertClose((await evaluate(again, rows)).y, expected, tolerance);
    });
  }
});
