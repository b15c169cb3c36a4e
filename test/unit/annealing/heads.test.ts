/** Heads of attention: which products run over places that can be cut, and what is left when some are. */
import assert from 'node:assert/strict';
import { Fitter, type Setting } from '../../../src/annealing/fit.js';
import { fisherFactors } from '../../../src/annealing/gradients/index.js';
import { headsOf } from '../../../src/annealing/heads.js';
import { offersOf } from '../../../src/annealing/offers.js';
import { workPrices } from '../../../src/annealing/prices.js';
import { layersOf } from '../../../src/annealing/rewrite.js';
import { settingAt } from '../../../src/annealing/settings.js';
import { unpackHeads } from '../../../src/annealing/unpack.js';
import { decompose } from '../../../src/decompose.js';
import { createEvaluate } from '../../../src/evaluate-graph.js';
import { createPackageSession } from '../../../src/executors/create-session.js';
import { canonicalise } from '../../../src/graph/canonicalise.js';
import { countMacs } from '../../../src/graph/cost.js';
import type { Graph, Model, Node } from '../../../src/graph/graph.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { graphOf, int64, node, port } from '../../support/graph.js';
import { normalRows } from '../../support/networks.js';

const evaluate = createEvaluate();
const [T, width, heads, depth, classes] = [6, 32, 4, 8, 5];
/** Places of each head that the planted weights use. */
const [scorePlaces, valuePlaces] = [2, 3];

function normals(seed: number, rows: number, columns: number, scale: number): Float32Array<ArrayBuffer> {
  return (normalRows(seed, rows, columns).data as Float32Array<ArrayBuffer>).map((value) => value * scale);
}

const dense = (seed: number, out: number, inputs: number, scale = inputs ** -0.5) =>
  new Tensor('float32', normals(seed, out, inputs, scale), [out, inputs]);

/** Weights [heads depth, width] whose rows of each head have a rank of `places`. */
function lowHeads(seed: number, places: number): Tensor<'float32'> {
  const data = new Float32Array(heads * depth * width);
  for (let h = 0; h < heads; h++) {
    const [u, v] = [normals(seed + 2 * h, depth, places, 1), normals(seed + 2 * h + 1, places, width, width ** -0.5)];
    for (let i = 0; i < depth; i++) {
      for (let j = 0; j < width; j++) {
        for (let r = 0; r < places; r++) data[(h * depth + i) * width + j] += u[i * places + r] * v[r * width + j];
      }
    }
  }
  return new Tensor('float32', data, [heads * depth, width]);
}

interface Form {
  /** Nodes from the split key to what the query is multiplied with. */
  readonly key?: readonly Node[];
  readonly more?: readonly Node[];
  readonly outputs?: readonly string[];
}

const split = [int64(-1, T, heads, depth), int64(0, 0, heads * depth)] as const;
const turned = [node('Transpose', ['k4'], 'kt', { perm: [0, 2, 3, 1] })];

/** x [n, T, width] -> attention -> x + mix -> scores of classes at every place. */
function network({ key = turned, more = [], outputs = ['y'] }: Form = {}): Graph {
  const linear = (name: string, input: string) => node('kerf.Linear', [input, `w.${name}`, `b.${name}`], name);
  const bias = (seed: number, size: number) => new Tensor('float32', normals(seed, 1, size, 0.5), [size]);
  const names = ['query', 'key', 'value', 'mix'];
  return graphOf({
    inputs: [port('x', ['n', T, width])],
    outputs,
    nodes: [
      ...['query', 'key', 'value'].map((name) => linear(name, 'x')),
      ...['query', 'key', 'value'].map((name) => node('Reshape', [name, 'split'], `${name[0]}4`)),
      node('Transpose', ['q4'], 'q', { perm: [0, 2, 1, 3] }),
      ...key,
      node('MatMul', ['q', 'kt'], 'products'),
      node('Mul', ['products', 'scale'], 'scores'),
      node('Softmax', ['scores'], 'shares', { axis: -1 }),
      node('Transpose', ['v4'], 'v', { perm: [0, 2, 1, 3] }),
      node('MatMul', ['shares', 'v'], 'seen'),
      node('Transpose', ['seen'], 'seen.t', { perm: [0, 2, 1, 3] }),
      node('Reshape', ['seen.t', 'join'], 'joined'),
      linear('mix', 'joined'),
      node('Add', ['x', 'mix'], 's'),
      node('kerf.Linear', ['s', 'w.head'], 'y'),
      ...more,
    ],
    constants: {
      split: split[0],
      join: split[1],
      scale: new Tensor('float32', Float32Array.of(depth ** -0.5), []),
      'w.query': lowHeads(1, scorePlaces),
      'w.key': dense(21, heads * depth, width),
      'w.value': lowHeads(31, valuePlaces),
      'w.mix': dense(51, width, heads * depth),
      'w.head': dense(52, classes, width),
      ...Object.fromEntries(
        // The biases of query and value lie in the span of their weights: the planted ranks are exact.
        names.map((name, i) => [
          `b.${name}`,
          name === 'key' || name === 'mix' ? bias(60 + i, width) : inSpan(name === 'query' ? 1 : 31, name),
        ]),
      ),
    },
  });
}

function inSpan(seed: number, name: string): Tensor<'float32'> {
  const weight = lowHeads(seed, name === 'query' ? scorePlaces : valuePlaces);
  const x = normals(70, 1, width, 1);
  const data = Float32Array.from({ length: heads * depth }, (_, i) => {
    return x.reduce((sum, value, j) => sum + value * weight.data[i * width + j], 0);
  });
  return new Tensor('float32', data, [heads * depth]);
}

function text(seed: number, n: number): Tensor<'float32'> {
  return new Tensor('float32', normals(seed, n, T * width, 1), [n, T, width]);
}

async function fitterOf(graph: Graph): Promise<Fitter> {
  const rows = { x: text(5, 300) };
  const factorsOf = async (its: Graph) => (await fisherFactors(its, rows, { kind: 'argmax' }, evaluate)).factors;
  return new Fitter(graph, graph, rows, evaluate, { weights: null, factors: await factorsOf(graph), factorsOf });
}

const cut = (widths: Readonly<Record<string, number>>): Setting => ({
  name: 'heads',
  units: new Map(),
  ranks: new Map(),
  heads: new Map(Object.entries(widths)),
});

/** Relative error of the scores on new rows. */
async function errorOf(before: Graph, after: Graph): Promise<number> {
  const x = text(9, 50);
  const [a, b] = [(await evaluate(before, { x })).y.data, (await evaluate(after, { x })).y.data] as Float32Array[];
  const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return norm(a.map((value, i) => value - b[i])) / norm(a);
}

describe('heads of attention', () => {
  it('are found where linear layers alone make and read their places, through scalings and transposes', () => {
    const found = [
      network(),
      network({
        key: [
          node('Transpose', ['k4'], 'k1', { perm: [0, 2, 1, 3] }),
          node('Div', ['k1', 'scale'], 'k2'),
          node('Transpose', ['k2'], 'kt', { perm: [0, 1, 3, 2] }),
        ],
      }),
    ].map(headsOf);
    for (const [scores, values, ...others] of found) {
      assert.deepEqual(others, []);
      assert.deepEqual([scores.name, scores.makers.map(({ name }) => name)], ['scores products', ['query', 'key']]);
      assert.deepEqual([scores.reader, scores.heads, scores.depth], [null, heads, depth]);
      assert.deepEqual([values.makers[0].name, values.reader?.name], ['value', 'mix']);
      assert.deepEqual([values.heads, values.depth], [heads, depth]);
    }
  });

  it('are left alone where something else sees the places', () => {
    const names = (form: Form) => headsOf(network(form)).map(({ name }) => name);
    assert.deepEqual(names({ more: [node('Relu', ['query'], 'z')] }), ['values seen']);
    assert.deepEqual(names({ outputs: ['y', 'k4'] }), ['values seen']);
    assert.deepEqual(names({ more: [node('Relu', ['joined'], 'z')] }), ['scores products']);
    const bent = [node('Relu', ['k4'], 'bent'), node('Transpose', ['bent'], 'kt', { perm: [0, 2, 3, 1] })];
    assert.deepEqual(names({ key: bent }), ['values seen']);
    // Joined without turning heads back: what stands together is no head.
    const graph = network();
    const unturned = node('Mul', ['seen', 'scale'], 'seen.t');
    const nodes = graph.nodes.map((one) => (one.outputs[0] === 'seen.t' ? unturned : one));
    const initializers = new Map([...graph.initializers, ['join', int64(-1, T, heads * depth)]]);
    assert.deepEqual(
      headsOf({ ...graph, nodes, initializers }).map(({ name }) => name),
      ['scores products'],
    );
  });

  it('compute the same in another basis, and with the places that their weights use', async () => {
    const graph = network();
    const fitter = await fitterOf(graph);
    const whole = await fitter.fit(cut({ 'scores products': depth, 'values seen': depth }));
    // f32 through five layers: rounding is near 1e-6.
    assert.ok((await errorOf(graph, whole)) < 1e-5);
    const places = cut({ 'scores products': scorePlaces, 'values seen': valuePlaces });
    const fitted = await fitter.fit(places);
    const error = await errorOf(graph, fitted);
    // The damping of the metrics leaves a share of the places that are not used, some 1e-4.
    assert.ok(error < 1e-3, `${error}`);
    const sizes = new Map(layersOf(fitted).map(({ name, weight }) => [name, weight.dims]));
    assert.deepEqual(sizes.get('query'), [heads * scorePlaces, width]);
    assert.deepEqual(sizes.get('key'), [heads * scorePlaces, width]);
    assert.deepEqual(sizes.get('value'), [heads * valuePlaces, width]);
    assert.deepEqual(sizes.get('mix'), [width, heads * valuePlaces]);
    const gone = (2 * (depth - scorePlaces) + 2 * (depth - valuePlaces)) * heads * width;
    const products = (depth - scorePlaces + (depth - valuePlaces)) * heads * T;
    assert.equal(countMacs(graph) - countMacs(fitted), T * (gone + products));
    const rougher = await errorOf(graph, await fitter.fit(cut({ 'scores products': 1, 'values seen': 1 })));
    assert.ok(rougher > 10 * error, `${rougher}`);
  });

  it('cost more the more of their places go, and an allocation knows what the cut network costs', async () => {
    const fitter = await fitterOf(network());
    const offers = await offersOf(fitter);
    const sides = offers.narrowings.filter(({ kind }) => kind === 'heads');
    assert.equal(sides.length, 2);
    for (const [{ costs }, used] of sides.map((side, i) => [side, [scorePlaces, valuePlaces][i]] as const)) {
      assert.ok(costs.every((cost, i) => i === 0 || cost >= costs[i - 1]));
      // The damping of the metrics keeps what is not used above zero.
      assert.ok(costs[depth - used - 1] < 1e-2 * costs[depth - used], costs.join());
    }
    const macs = countMacs(fitter.graph);
    for (const share of [0.8, 0.6, 0.4]) {
      const setting = settingAt(offers, macs, share, new Map(), workPrices(countMacs))!;
      assert.ok(setting.heads!.size > 0);
      const work = countMacs(await fitter.fit(setting)) / macs;
      assert.ok(work <= share && work > share - 0.1, `${share}: ${work}`);
    }
  });

  it('are cut by decompose, and the package computes what the certificate covers', async () => {
    const graph = canonicalise(network());
    const model: Model = { format: 'onnx', graph, unsupported: [], sha256: '00' };
    const options = { calibration: { x: text(5, 420) }, guard: { x: text(6, 200) }, maxDisagreement: 0.1 };
    const { package: made, summary, annealing } = await decompose(model, { ...options, cascade: 'off' });
    const choices = new Map(summary.layers.map(({ layer, choice }) => [layer, choice]));
    const makers = ['query', 'key', 'value'].map((name) => choices.get(name));
    assert.ok(makers.includes('units'), JSON.stringify([...choices]));
    assert.ok(summary.macs.after < 0.7 * summary.macs.before, `${summary.macs.after / summary.macs.before}`);
    const session = createPackageSession(made, { executor: 'wasm' });
    const x = text(8, 3);
    const [{ y }, { y: expected }] = [await session.run({ x }), await evaluate(annealing.graph, { x })];
    assert.deepEqual(y.data, expected.data);
    await session.release();
  });

  describe('whose query, key and value are one layer', () => {
    const weights = [lowHeads(1, scorePlaces), dense(80, heads * depth, width), lowHeads(31, valuePlaces)];
    const packed = new Tensor('float32', Float32Array.from(weights.flatMap(({ data }) => [...data])), [
      3 * heads * depth,
      width,
    ]);
    const turn = (value: string, made: string, perm: readonly number[]) => node('Transpose', [value], made, { perm });
    /** As `part` makes queries, keys and values [n, heads, T, depth] of the packed outputs. */
    const network = (nodes: readonly Node[], constants: Readonly<Record<string, Tensor>>, opset = 17): Graph =>
      graphOf({
        inputs: [port('x', ['n', T, width])],
        outputs: ['y'],
        opset,
        nodes: [
          node('kerf.Linear', ['x', 'w', 'b'], 'packed'),
          ...nodes,
          turn('k', 'kt', [0, 1, 3, 2]),
          node('MatMul', ['q', 'kt'], 'products'),
          node('Softmax', ['products'], 'shares', { axis: -1 }),
          node('MatMul', ['shares', 'v'], 'seen'),
          turn('seen', 'seen.t', [0, 2, 1, 3]),
          node('Reshape', ['seen.t', 'join'], 'joined'),
          node('kerf.Linear', ['joined', 'w.mix'], 'y'),
        ],
        constants: {
          w: packed,
          b: new Tensor('float32', new Float32Array(3 * heads * depth), [3 * heads * depth]),
          'w.mix': dense(82, classes, heads * depth),
          join: split[1],
          ...constants,
        },
      });
    const scalar = (value: number) => new Tensor('int64', BigInt64Array.of(BigInt(value)), []);
    const perHead = ['q', 'k', 'v'].flatMap((name) => [
      node('Reshape', [`${name}p`, 'split'], `${name}4`),
      turn(`${name}4`, name, [0, 2, 1, 3]),
    ]);
    const size = heads * depth;
    const forms: Readonly<Record<string, Graph>> = {
      'by slices': network(
        [
          ...['q', 'k', 'v'].map((name, i) => node('Slice', ['packed', `from${i}`, `to${i}`, 'last'], `${name}p`)),
          ...perHead,
        ],
        {
          split: split[0],
          last: int64(-1),
          ...Object.fromEntries(
            [0, 1, 2].flatMap((i) => [
              [`from${i}`, int64(i === 2 ? -size : i * size)],
              [`to${i}`, int64(i === 2 ? 2 ** 40 : (i + 1) * size)],
            ]),
          ),
        },
      ),
      'by a split': network(
        [node('Split', ['packed'], ['qp', 'kp', 'vp'], { axis: 2, split: [size, size, size] }), ...perHead],
        { split: split[0] },
        11,
      ),
      'by a shape, and places of it': network(
        [
          node('Reshape', ['packed', 'five'], 'p5'),
          turn('p5', 'pt', [2, 0, 3, 1, 4]),
          ...['q', 'k', 'v'].map((name, i) => node('Gather', ['pt', `at${i}`], name)),
        ],
        { five: int64(0, T, 3, heads, depth), at0: scalar(0), at1: scalar(1), at2: scalar(-1) },
      ),
    };

    for (const [form, graph] of Object.entries(forms)) {
      it(`are found once it is taken apart, with the same bits: ${form}`, async () => {
        assert.deepEqual(headsOf(graph), []);
        const apart = unpackHeads(graph);
        const [scores, values] = headsOf(apart);
        assert.deepEqual(
          scores.makers.map(({ name }) => name),
          ['packed/pack0', 'packed/pack1'],
        );
        assert.deepEqual(
          values.makers.map(({ name }) => name),
          ['packed/pack2'],
        );
        assert.equal(countMacs(apart), countMacs(graph));
        const x = text(8, 3);
        assert.deepEqual((await evaluate(apart, { x })).y, (await evaluate(graph, { x })).y);
      });
    }

    it('stay one layer where no head is made, and where parts overlap', () => {
      const graph = forms['by slices'];
      const joined = node('Concat', ['qp', 'kp', 'vp'], 'all', { axis: 2 });
      const slices = graph.nodes.filter(({ op, name }) => op === 'Slice' || name === 'packed');
      const others = { ...graph, nodes: [...slices, joined, node('kerf.Linear', ['all', 'w.wide'], 'y')] };
      const wide = {
        ...others,
        initializers: new Map([...graph.initializers, ['w.wide', dense(83, classes, 3 * size)]]),
      };
      assert.equal(unpackHeads(wide), wide);
      const ends = [['from1', int64(1)] as const, ['to1', int64(size + 1)] as const];
      const overlapping = { ...graph, initializers: new Map([...graph.initializers, ...ends]) };
      assert.equal(unpackHeads(overlapping), overlapping);
    });

    it('compute the same in another basis where the reader has fewer outputs than a head has places', async () => {
      const graph = unpackHeads(forms['by slices']);
      const fitted = await (await fitterOf(graph)).fit(cut({ 'scores products': depth, 'values seen': depth }));
      assert.ok((await errorOf(graph, fitted)) < 1e-5);
    });

    it('are cut by decompose, which tells of the layer as one', async () => {
      const graph = canonicalise(forms['by a shape, and places of it']);
      const model: Model = { format: 'onnx', graph, unsupported: [], sha256: '00' };
      const options = { calibration: { x: text(5, 420) }, guard: { x: text(6, 200) }, maxDisagreement: 0.3 };
      const decision = 'error:0.5';
      const { package: made, summary, annealing } = await decompose(model, { ...options, decision, cascade: 'off' });
      assert.deepEqual(
        summary.layers.map(({ layer }) => layer),
        ['packed', 'y'],
      );
      assert.ok(layersOf(annealing.graph).some(({ name }) => name.startsWith('packed/pack')));
      const [{ before, after, choice }] = summary.layers;
      assert.equal(before, 3 * size * (width + 1));
      assert.ok(after < before && (choice === 'rank' || choice === 'units'), `${choice}: ${after} of ${before}`);
      const session = createPackageSession(made, { executor: 'wasm' });
      const x = text(8, 3);
      const [{ y }, { y: expected }] = [await session.run({ x }), await evaluate(annealing.graph, { x })];
      assert.deepEqual(y.data, expected.data);
      await session.release();
    });
  });
});
