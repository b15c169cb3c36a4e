/** Convolutions as layers: their windows, their factors, their channels, and a whole decomposition. */
import assert from 'node:assert/strict';
import { hiddenUnitsOf, keepUnits } from '../../../src/annealing/hidden-units.js';
import { Sampler } from '../../../src/annealing/layer-samples.js';
import { layersOf, linearsOf, withFactors } from '../../../src/annealing/rewrite.js';
import { trimExactly } from '../../../src/annealing/trims.js';
import { decompose } from '../../../src/decompose.js';
import { createEvaluate } from '../../../src/evaluate-graph.js';
import { analyze } from '../../../src/evidence/analyze.js';
import { createPackageSession } from '../../../src/executors/create-session.js';
import { countMacs } from '../../../src/graph/cost.js';
import type { Attribute, Graph, Model, Node } from '../../../src/graph/graph.js';
import { readOnnx } from '../../../src/model/onnx.js';
import { encodeOnnx } from '../../../src/package/onnx-writer.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createRandom } from '../../oracle/random.js';
import { makeGraph, node, normalRows } from '../../support/networks.js';

const evaluate = createEvaluate();
const product = (dims: readonly number[]) => dims.reduce((all, dim) => all * dim, 1);
const made = (name: string, op: string, inputs: string[], output: string, attributes: Record<string, Attribute> = {}) =>
  ({ ...node(name, op, inputs, output), attributes: new Map(Object.entries(attributes)) }) satisfies Node;
const whole = (...values: number[]) => new Tensor('int64', BigInt64Array.from(values, BigInt), [values.length]);

function normals(seed: number, dims: readonly number[], scale = 1): Tensor<'float32'> {
  const { data } = normalRows(seed, 1, product(dims));
  return new Tensor(
    'float32',
    (data as Float32Array<ArrayBuffer>).map((v) => v * scale),
    dims,
  );
}

/** x -> images [channels, ..sizes] -> Conv -> y. */
function single(
  dims: readonly number[],
  kernel: readonly number[],
  attributes: Record<string, Attribute>,
  out = 3,
): Graph {
  return makeGraph(
    { x: product(dims) },
    [node('r', 'Reshape', ['x', 'shape'], 'images'), made('c', 'Conv', ['images', 'w', 'b'], 'y', attributes)],
    { shape: whole(-1, ...dims), w: normals(1, [out, dims[0], ...kernel]), b: normals(2, [out]) },
  );
}

/** 6 x 6 images -> 16 channels -> Relu -> pool -> 24 channels whose weights have rank 2 -> Relu -> 20 -> 3 classes. */
function network(): Graph {
  const random = createRandom(9);
  const [outer, inner] = [normals(21, [24, 2]), normals(22, [2, 16 * 4])];
  const w2 = Float32Array.from({ length: 24 * 64 }, (_, e) => {
    const [i, j] = [Math.floor(e / 64), e % 64];
    return 0.1 * (outer.data[i * 2] * inner.data[j] + outer.data[i * 2 + 1] * inner.data[64 + j]);
  });
  const w1 = normals(23, [16, 1, 3, 3], 0.3);
  // Channel 5 sees nothing, and its bias keeps it asleep.
  w1.data.fill(0, 5 * 9, 6 * 9);
  const b1 = Float32Array.from({ length: 16 }, (_, c) => (c === 5 ? -0.5 : 0.1 * random.normal()));
  return makeGraph(
    { x: 36 },
    [
      node('r', 'Reshape', ['x', 'shape'], 'images'),
      made('c1', 'Conv', ['images', 'w1', 'b1'], 'h1', { pads: [1, 1, 1, 1] }),
      node('relu1', 'Relu', ['h1'], 'a1'),
      made('pool', 'MaxPool', ['a1'], 'p1', { kernel_shape: [2, 2], strides: [2, 2] }),
      node('c2', 'Conv', ['p1', 'w2', 'b2'], 'h2'),
      node('relu2', 'Relu', ['h2'], 'a2'),
      made('flat', 'Flatten', ['a2'], 'f', { axis: 1 }),
      node('fc1', 'Linear', ['f', 'w3', 'b3'], 'h3', 'kerf'),
      node('relu3', 'Relu', ['h3'], 'a3'),
      node('fc2', 'Linear', ['a3', 'w4', 'b4'], 'y', 'kerf'),
    ],
    {
      shape: whole(-1, 1, 6, 6),
      w1,
      b1: new Tensor('float32', b1, [16]),
      w2: new Tensor('float32', w2, [24, 16, 2, 2]),
      b2: normals(25, [24], 0.1),
      w3: normals(26, [20, 96], 0.1),
      b3: normals(27, [20], 0.1),
      w4: normals(28, [3, 20], 0.3),
      b4: normals(29, [3], 0.1),
    },
  );
}

function assertClose(got: Tensor, expected: Tensor, tolerance: number): void {
  assert.deepEqual(got.dims, expected.dims);
  const size = Math.max(...(expected.data as Float32Array).map(Math.abs));
  for (let i = 0; i < got.size; i++) {
    const error = Math.abs(Number(got.data[i]) - Number(expected.data[i]));
    assert.ok(error <= tolerance * size, `element ${i}: got ${got.data[i]}, expected ${expected.data[i]}`);
  }
}

const geometries: [readonly number[], readonly number[], Record<string, Attribute>][] = [
  [[2, 7, 5], [3, 2], { strides: [2, 1], pads: [1, 0, 2, 1] }],
  [[1, 6, 6], [2, 2], { dilations: [2, 3] }],
  [[3, 5, 4], [1, 1], {}],
  [[2, 9], [3], { strides: [2], pads: [1, 1] }],
  [[2, 5, 5], [3, 3], { auto_pad: 'SAME_LOWER', strides: [2, 2] }],
];

describe('convolutions as layers', () => {
  for (const [dims, kernel, attributes] of geometries) {
    const what = `[${dims}] under [${kernel}] ${JSON.stringify(attributes)}`;
    it(`windows times weights are the outputs: ${what}`, async () => {
      const graph = single(dims, kernel, attributes);
      const [layer] = layersOf(graph);
      const sampler = new Sampler(graph, { x: normalRows(3, 6, product(dims)) }, evaluate, null);
      const [{ samples: x, positions }, { samples: y }] = [
        await sampler.of(graph, layer, 'input'),
        await sampler.of(graph, layer, 'output'),
      ];
      const { y: images } = await evaluate(graph, { x: normalRows(3, 6, product(dims)) });
      assert.equal(positions, product(images.dims.slice(2)));
      assert.deepEqual([x.rows, x.columns, y.columns], [6 * positions, layer.weight.dims[1], 3]);
      for (let r = 0; r < x.rows; r++) {
        for (let o = 0; o < 3; o++) {
          let [sum, size] = [layer.bias!.data[o], Math.abs(layer.bias!.data[o])];
          for (let j = 0; j < x.columns; j++) {
            const term = layer.weight.data[o * x.columns + j] * x.data[r * x.columns + j];
            [sum, size] = [sum + term, size + Math.abs(term)];
          }
          // K terms and a bias, added in f32.
          const bound = (x.columns + 1) * 2 ** -23 * size;
          assert.ok(Math.abs(sum - y.data[r * 3 + o]) <= bound, `row ${r}, output ${o}`);
        }
      }
    });

    it(`factors of full rank compute the same: ${what}`, async () => {
      const graph = single(dims, kernel, attributes);
      const [layer] = layersOf(graph);
      const identity = Float64Array.from({ length: 9 }, (_, e) => (e % 4 === 0 ? 1 : 0));
      const factored = withFactors(graph, layer, {
        outer: { rows: 3, columns: 3, data: identity },
        inner: { rows: 3, columns: layer.weight.dims[1], data: new Float64Array(layer.weight.data) },
        bias: new Float64Array(layer.bias!.data),
      });
      const rows = { x: normalRows(3, 4, product(dims)) };
      assertClose((await evaluate(factored, rows)).y, (await evaluate(graph, rows)).y, 1e-6);
      const places = countMacs(graph) / layer.weight.size;
      assert.equal(countMacs(factored), places * (layer.weight.size + 9));
    });
  }

  it('draws the same places for inputs and outputs, some of each image', async () => {
    const graph = single([1, 40, 40], [3, 3], {});
    const [layer] = layersOf(graph);
    const rows = { x: normalRows(3, 300, 1600) };
    const sampler = new Sampler(
      graph,
      rows,
      evaluate,
      Float64Array.from({ length: 300 }, (_, i) => 0.5 + (i % 2)),
    );
    const { samples: x, positions } = await sampler.of(graph, layer, 'input');
    const { samples: y } = await sampler.of(graph, layer, 'output');
    const perImage = Math.ceil(2 ** 15 / 300);
    assert.deepEqual([positions, x.rows, x.weights?.length], [38 * 38, 300 * perImage, 300 * perImage]);
    assert.deepEqual([x.weights?.[perImage - 1], x.weights?.[perImage]], [0.5, 1.5]);
    for (let r = 0; r < x.rows; r += 97) {
      let sum = layer.bias!.data[1];
      for (let j = 0; j < 9; j++) sum += layer.weight.data[9 + j] * x.data[r * 9 + j];
      assert.ok(Math.abs(sum - y.data[r * 3 + 1]) < 1e-4, `row ${r}`);
    }
  });

  it('takes channels out of a convolution and of all that reads them, through pools and rows', async () => {
    const graph = network();
    const groups = hiddenUnitsOf(graph, layersOf(graph));
    const names = groups.map(({ producer, consumers }) => [producer.name, ...consumers.map(({ name }) => name)]);
    assert.deepEqual(names, [
      ['c1', 'c2'],
      ['c2', 'fc1'],
      ['fc1', 'fc2'],
    ]);
    assert.deepEqual(
      hiddenUnitsOf(graph).map(({ producer }) => producer.name),
      ['fc1'],
    );
    assert.deepEqual(
      linearsOf(graph).map(({ name }) => name),
      ['fc1', 'fc2'],
    );
    const kept = Int32Array.from({ length: 12 }, (_, i) => 2 * i);
    const narrower = keepUnits(graph, groups[1], kept);
    // The same with the other channels' columns at zero.
    const w3 = graph.initializers.get('w3') as Tensor<'float32'>;
    const zeroed = w3.data.map((w, e) => (Math.floor((e % 96) / 4) % 2 === 0 ? w : 0));
    const expected = {
      ...graph,
      initializers: new Map([...graph.initializers, ['w3', new Tensor('float32', zeroed, w3.dims)]]),
    };
    const rows = { x: normalRows(4, 5, 36) };
    assert.deepEqual((await evaluate(narrower, rows)).y.data, (await evaluate(expected, rows)).y.data);
  });

  it('takes channels out behind a reshape that says how long rows are', async () => {
    const graph = network();
    const nodes = graph.nodes.map((one) => (one.name === 'flat' ? node('flat', 'Reshape', ['a2', 'size'], 'f') : one));
    const reshaped = { ...graph, nodes, initializers: new Map([...graph.initializers, ['size', whole(-1, 96)]]) };
    const kept = Int32Array.of(1, 2, 7, 23);
    const [own, expected] = [reshaped, graph].map((one) => keepUnits(one, hiddenUnitsOf(one, layersOf(one))[1], kept));
    const rows = { x: normalRows(4, 5, 36) };
    assert.deepEqual((await evaluate(own, rows)).y.data, (await evaluate(expected, rows)).y.data);
    // Rows of half a sample are no rows of channels.
    const halves = { ...reshaped, initializers: new Map([...reshaped.initializers, ['size', whole(-1, 48)]]) };
    const w3 = normals(26, [20, 48]);
    const narrow = { ...halves, initializers: new Map([...halves.initializers, ['w3', w3]]) };
    assert.deepEqual(
      hiddenUnitsOf(narrow, layersOf(narrow)).map(({ producer }) => producer.name),
      ['c1', 'fc1'],
    );
  });

  it('trims a channel that is always zero, bit by bit the same', async () => {
    const graph = network();
    const trimmed = trimExactly(graph);
    assert.deepEqual(
      layersOf(trimmed).map(({ weight }) => weight.dims),
      [
        [15, 9],
        [24, 60],
        [20, 96],
        [3, 20],
      ],
    );
    const rows = { x: normalRows(4, 9, 36) };
    assert.deepEqual((await evaluate(trimmed, rows)).y.data, (await evaluate(graph, rows)).y.data);
  });

  it('tests weights as a matrix of windows: fresh ones have no direction of their own, planted ones have', async () => {
    const random = createRandom(31);
    const bound = 1 / Math.sqrt(32 * 9);
    const w = Float32Array.from({ length: 64 * 32 * 9 }, () => bound * (2 * random.uniform() - 1));
    const planted = w.map((v, e) => v + 0.05 * Math.sin(e % 288) * Math.cos(Math.floor(e / 288)));
    for (const [data, directions] of [
      [w, 0],
      [planted, 1],
    ] as const) {
      const graph = single([32, 8, 8], [3, 3], {}, 64);
      const weights = new Tensor('float32', data, [64, 32, 3, 3]);
      const fresh = { ...graph, initializers: new Map([...graph.initializers, ['w', weights]]) };
      const { tensors } = await analyze(fresh, { init: 'torch-linear' });
      const { spectrum, verdict, layer } = tensors.find(({ name }) => name === 'w')!;
      assert.deepEqual([layer, spectrum!.supported, spectrum!.rank], ['c', directions, 64]);
      assert.equal(verdict, directions === 0 ? 'initialisation' : 'partly');
      if (directions > 0) continue;
      // Tracy and Widom: mean -1.21 and standard deviation 1.27 about the edge; three of them.
      const [m, n] = [Math.sqrt(63), Math.sqrt(288)];
      const scale = (m + n) * (1 / m + 1 / n) ** (1 / 3);
      const square = spectrum!.values[0] ** 2 / (bound ** 2 / 3);
      assert.ok(Math.abs(square - (m + n) ** 2 + 1.21 * scale) < 3 * 1.27 * scale, `${square}`);
    }
  });

  it('finds the rank of a convolution, and the package and the ONNX file compute what the certificate covers', async () => {
    const graph = network();
    const model: Model = { format: 'onnx', graph, unsupported: [], sha256: '00' };
    const [calibration, guard] = [normalRows(5, 1500, 36), normalRows(6, 400, 36)];
    const {
      package: made,
      summary,
      annealing,
    } = await decompose(model, {
      calibration: { x: calibration },
      guard: { x: guard },
      maxDisagreement: 0.05,
      cascade: 'off',
      // By time the rank is raised to four, which fills a vector.
    });
    assert.equal(annealing.withoutGradients.length, 0);
    const choices = new Map(summary.layers.map((layer) => [layer.layer, layer]));
    const second = choices.get('c2')!;
    assert.ok(second.choice === 'rank' && second.rank! <= 2, JSON.stringify(second));
    // What was planted: 15 channels see 36 places, rank 2 at 4 places, and the rest.
    const planted = 36 * 15 * 9 + 4 * 2 * (60 + 24) + 96 * 20 + 20 * 3;
    assert.ok(summary.macs.after <= planted, `${summary.macs.after}, expected at most ${planted}`);
    const rows = { x: normalRows(7, 8, 36) };
    const expected = (await evaluate(annealing.graph, rows)).y;
    const session = await createPackageSession(made, {});
    assertClose((await session.run(rows)).y, expected, 1e-5);
    await session.release();
    const { graph: again } = readOnnx(encodeOnnx(annealing.graph));
    assertClose((await evaluate(again, rows)).y, expected, 1e-5);
  });
});
