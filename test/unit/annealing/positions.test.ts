/** Plain layers at many positions of a sample, as in a transformer over text: rows are drawn, decisions all judged. */
import assert from 'node:assert/strict';
import type { Evaluate } from '../../../src/annealing/context.js';
import { Fitter } from '../../../src/annealing/fit.js';
import { Frontier } from '../../../src/annealing/frontier.js';
import { fisherFactors } from '../../../src/annealing/gradients/index.js';
import { Sampler } from '../../../src/annealing/layer-samples.js';
import { drawPlaces, placesOf } from '../../../src/annealing/position-samples.js';
import { layersOf, withFactors, withWeights } from '../../../src/annealing/rewrite.js';
import { thinIndexes } from '../../../src/annealing/rows.js';
import { decompose } from '../../../src/decompose.js';
import { createEvaluate } from '../../../src/evaluate-graph.js';
import { removeDead } from '../../../src/graph/fold.js';
import type { Attribute, Graph, Model, Node } from '../../../src/graph/graph.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createRandom } from '../../oracle/random.js';
import { makeGraph, node, normalRows } from '../../support/networks.js';

const evaluate = createEvaluate();
const [T, width, hidden, letters] = [80, 16, 128, 20];
const made = (name: string, op: string, inputs: string[], output: string, attributes: Record<string, Attribute>) =>
  ({ ...node(name, op, inputs, output), attributes: new Map(Object.entries(attributes)) }) satisfies Node;

function normals(seed: number, dims: readonly number[], scale: number): Tensor<'float32'> {
  const { data } = normalRows(
    seed,
    1,
    dims.reduce((a, b) => a * b),
  );
  return new Tensor(
    'float32',
    (data as Float32Array<ArrayBuffer>).map((v) => v * scale),
    dims,
  );
}

/** Weights [out, in] of rank 3. */
function rankThree(seed: number, out: number, inputs: number): Tensor<'float32'> {
  const [u, v] = [normals(seed, [out, 3], 1).data, normals(seed + 1, [3, inputs], 0.2).data];
  const data = Float32Array.from({ length: out * inputs }, (_, e) => {
    const [i, j] = [Math.floor(e / inputs), e % inputs];
    return u[3 * i] * v[j] + u[3 * i + 1] * v[inputs + j] + u[3 * i + 2] * v[2 * inputs + j];
  });
  return new Tensor('float32', data, [out, inputs]);
}

/** Letters [n, T] -> table -> attention with one causal head -> up (rank 3) -> Relu -> down (rank 3) -> scores [n, T, 20]. */
function transformer(): Graph {
  const later = Float32Array.from({ length: T * T }, (_, e) => (e % T > Math.floor(e / T) ? -1e9 : 0));
  const linear = (name: string, input: string) => node(name, 'Linear', [input, `w.${name}`], `${name}.y`, 'kerf');
  return makeGraph(
    { x: T },
    [
      made('numbers', 'Cast', ['x'], 'n', { to: 7 }),
      node('table', 'Gather', ['letters', 'n'], 's0'),
      ...['query', 'key', 'value'].map((name) => linear(name, 's0')),
      made('turn', 'Transpose', ['key.y'], 'key.t', { perm: [0, 2, 1] }),
      node('products', 'MatMul', ['query.y', 'key.t'], 'p'),
      node('mask', 'Add', ['p', 'later'], 'masked'),
      made('softmax', 'Softmax', ['masked'], 'shares', { axis: -1 }),
      node('seen', 'MatMul', ['shares', 'value.y'], 'v'),
      node('sum1', 'Add', ['s0', 'v'], 's1'),
      linear('up', 's1'),
      node('relu', 'Relu', ['up.y'], 'a'),
      linear('down', 'a'),
      node('sum2', 'Add', ['s1', 'down.y'], 's2'),
      node('head', 'Linear', ['s2', 'w.head'], 'y', 'kerf'),
    ],
    {
      letters: normals(1, [letters, width], 1),
      later: new Tensor('float32', later, [T, T]),
      'w.query': normals(2, [width, width], 0.2),
      'w.key': normals(3, [width, width], 0.2),
      'w.value': normals(4, [width, width], 0.2),
      'w.up': rankThree(5, hidden, width),
      'w.down': rankThree(7, width, hidden),
      'w.head': normals(9, [letters, width], 0.5),
    },
  );
}

function text(seed: number, n: number): Tensor {
  const random = createRandom(seed);
  return new Tensor(
    'float32',
    Float32Array.from({ length: n * T }, () => random.below(letters)),
    [n, T],
  );
}

describe('layers at many positions', () => {
  const graph = transformer();
  const layerOf = (name: string, its = graph) => layersOf(its).find((layer) => layer.name === name)!;

  it('are looked at in a bounded number of rows, from hundreds of samples where there are as many', () => {
    for (const [n, positions, columns] of [
      [1, 5, 3],
      [600, 64, 16],
      [4096, 64, 512],
      [4096, 7, 512],
      [5000, 4096, 512],
      [100, 10 ** 6, 8],
      [4096, 64, 2 ** 15],
    ]) {
      const { samples, perSample } = placesOf(n, positions, columns);
      const limit = Math.min(2 ** 15, 2 ** 26 / columns);
      assert.ok(samples >= Math.min(n, 512) && samples <= n && perSample >= 1 && perSample <= positions);
      assert.ok(samples * perSample <= limit, `${n} x ${positions}: got ${samples} x ${perSample} rows`);
      // Not fewer than needed either: one more of each sample would be too many.
      if (perSample < positions) assert.ok(samples * (perSample + 1) > limit);
      const places = drawPlaces(samples, positions, perSample);
      for (let e = 0; e < places.length; e++) {
        assert.ok(places[e] >= 0 && places[e] < positions);
        if (e % perSample > 0) assert.ok(places[e] >= places[e - 1]);
      }
    }
  });

  it('are computed once on the way from the first to the last, and after a change from there on', async () => {
    const rows = { x: text(4, 3) };
    const computed: string[] = [];
    const spy: Evaluate = (its, feeds, values) => {
      const outputs = (values ?? []).map((name) => ({ name, dtype: 'float32' as const, shape: [] }));
      computed.push(...removeDead({ ...its, outputs }).nodes.map(({ name }) => name));
      return evaluate(its, feeds, values);
    };
    const frontier = new Frontier(rows, spy, 2 ** 20);
    const check = async (its: Graph, value: string) =>
      assert.deepEqual(await frontier.of(its, value), (await evaluate(its, rows, [value]))[value]);
    for (const { input } of layersOf(graph)) await check(graph, input);
    assert.equal(new Set(computed).size, computed.length, computed.join());
    const value = layerOf('value');
    const changed = withWeights(graph, value, normals(13, [width, width], 0.1), null);
    computed.length = 0;
    for (const { input } of layersOf(changed).slice(3)) await check(changed, input);
    assert.deepEqual(new Set(computed), new Set(graph.nodes.map(({ name }) => name).filter((name) => name !== 'head')));
    // As layers are fitted: one is looked at and changed, then the next is looked at.
    const down = layerOf('down', changed);
    await check(changed, down.input);
    computed.length = 0;
    await check(withWeights(changed, down, normals(14, [width, hidden], 0.1), null), layerOf('head').input);
    assert.deepEqual(computed, ['down', 'sum2']);
  });

  it('are looked at in the same places on both sides and under every setting, with the weights of their samples', async () => {
    const n = 600;
    const rows = { x: text(1, n) };
    const weights = Float64Array.from({ length: n }, (_, i) => 0.5 + (i % 2));
    const { samples, perSample } = placesOf(n, T, width);
    assert.ok(samples < n && perSample < T);
    const [kept, places] = [thinIndexes(n, samples), drawPlaces(samples, T, perSample)];
    const { data: u } = normals(11, [hidden, 2], 1);
    const factored = withFactors(graph, layerOf('up'), {
      outer: { rows: hidden, columns: 2, data: new Float64Array(u) },
      inner: { rows: 2, columns: width, data: new Float64Array(normals(12, [2, width], 0.3).data) },
      bias: new Float64Array(hidden),
    });
    const sampler = new Sampler(graph, rows, evaluate, weights);
    const mean = kept.reduce((sum, row) => sum + weights[row], 0) / samples;
    for (const [its, side] of [
      [graph, 'input'],
      [graph, 'output'],
      [factored, 'input'],
    ] as const) {
      const down = layerOf('down', its);
      const got = await sampler.of(its, down, side);
      const whole = (await evaluate(its, rows, [down[side]]))[down[side]];
      const columns = whole.dims[2];
      assert.deepEqual([got.positions, got.samples.rows, got.samples.columns], [T, samples * perSample, columns]);
      for (let row = 0; row < got.samples.rows; row += 13) {
        const sample = Math.floor(row / perSample);
        const from = (kept[sample] * T + places[row]) * columns;
        const expected = (whole.data as Float32Array).subarray(from, from + columns);
        assert.deepEqual(got.samples.data.subarray(row * columns, (row + 1) * columns), expected);
        assert.ok(Math.abs(got.samples.weights![row] - weights[kept[sample]] / mean) < 1e-12);
      }
    }
  });

  it('are fitted the same each time', async () => {
    const rows = { x: text(2, 420) };
    const setting = {
      name: 'ranks',
      units: new Map(),
      ranks: new Map(['value', 'up', 'down'].map((name) => [name, 3])),
    };
    const fit = async () => {
      const { factors, blocked } = await fisherFactors(graph, rows, { kind: 'argmax' }, evaluate);
      assert.deepEqual([factors.size, blocked.size], [6, 0]);
      const fitted = await new Fitter(graph, graph, rows, evaluate, { weights: null, factors }).fit(setting);
      return new Map([...fitted.initializers].map(([name, { data }]) => [name, data]));
    };
    const [first, second] = [await fit(), await fit()];
    assert.ok(first.has('up/inner.weight') && first.has('value/inner.weight'), [...first.keys()].join());
    assert.deepEqual(second, first);
  });

  it('are cut to their ranks, and the guard judges every position', async () => {
    const model: Model = { format: 'onnx', graph, unsupported: [], sha256: '00' };
    const guard = { x: text(3, 100) };
    const options = { calibration: { x: text(2, 420) }, guard, maxDisagreement: 0.1, cascade: 'off' as const };
    const { summary, annealing } = await decompose(model, options);
    assert.equal(annealing.withoutGradients.length, 0);
    for (const name of ['up', 'down']) {
      const layer = summary.layers.find((one) => one.layer === name)!;
      assert.ok(layer.choice === 'rank' && layer.rank! <= 3, JSON.stringify(layer));
    }
    // Rows that differ anywhere, counted by hand.
    const [before, after] = [(await evaluate(graph, guard)).y, (await evaluate(annealing.graph, guard)).y];
    const best = ({ data }: Tensor, at: number) => {
      const row = (data as Float32Array).subarray(at * letters, (at + 1) * letters);
      return row.indexOf(Math.max(...row));
    };
    const differing = new Set<number>();
    for (let at = 0; at < 100 * T; at++) {
      if (best(before, at) !== best(after, at)) differing.add(Math.floor(at / T));
    }
    const { certificate } = annealing;
    assert.deepEqual([certificate.n, certificate.seen], [100, differing.size]);
    // A class counts the rows that it stands in, at however many positions.
    const of = (letter: number) =>
      Array.from({ length: 100 }, (_, row) => row).filter((row) =>
        Array.from({ length: T }, (_, t) => best(before, row * T + t)).includes(letter),
      ).length;
    for (const { decision, n } of certificate.classes) assert.equal(n, of(Number(decision)));
    assert.ok(certificate.classes.length > 2);
  });
});
