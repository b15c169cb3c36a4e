import assert from 'node:assert/strict';
import { countStored, storeWeights } from '../../../src/annealing/small-weights.js';
import { createEvaluate } from '../../../src/evaluate-graph.js';
import { canonicalise } from '../../../src/graph/canonicalise.js';
import type { Graph } from '../../../src/graph/graph.js';
import { readOnnx } from '../../../src/model/index.js';
import { encodeOnnx } from '../../../src/package/onnx-writer.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createRandom } from '../../oracle/random.js';
import { withCode } from '../../support/codes.js';
import { mlp, normalRows, randomLayer } from '../../support/networks.js';

const evaluate = createEvaluate();
const [rows, fresh] = [1, 2].map((seed) => ({ x: normalRows(seed, 300, 40) }));

function network(): Graph {
  const random = createRandom(3);
  return mlp([randomLayer(random, 30, 40, () => true), randomLayer(random, 12, 30, () => true)]);
}

/** ||changed - original|| / ||original|| on fresh rows. */
async function errorOf(graph: Graph, original: Graph): Promise<number> {
  const [a, b] = [await evaluate(graph, fresh!), await evaluate(original, fresh!)].map(
    (outputs) => Object.values(outputs)[0]!.data as Float32Array,
  );
  const norm = (values: Float32Array) => Math.hypot(...values);
  return norm(a!.map((value, i) => value - b![i]!)) / norm(b!);
}

const store = (graph: Graph, format: 'f32' | 'f16' | 'int8', data = rows ?? null) =>
  storeWeights(graph, format, data, evaluate);

/** A graph with one of its constants changed. */
function changed(graph: Graph, name: string, change: (data: Float32Array) => unknown): Graph {
  const tensor = graph.initializers.get(name) as Tensor<'float32'>;
  const data = tensor.data.slice();
  change(data);
  return { ...graph, initializers: new Map([...graph.initializers, [name, new Tensor('float32', data, tensor.dims)]]) };
}

describe('storeWeights', () => {
  it('leaves float32 alone, and gives every layer the demanded weights otherwise', async () => {
    const graph = network();
    assert.equal(await store(graph, 'f32'), graph);
    assert.deepEqual(countStored(graph), { int8: 0, float16: 0, float32: 2 });
    const [f16, int8] = [await store(graph, 'f16'), await store(graph, 'int8')];
    assert.deepEqual(countStored(f16), { int8: 0, float16: 2, float32: 0 });
    assert.deepEqual(countStored(int8), { int8: 2, float16: 0, float32: 0 });
    // Half a unit in the last place of 11 bits; a step of 1/127 of the largest weight, uniform, and many of them.
    assert.ok((await errorOf(f16, graph)) < 2 ** -11);
    const error = await errorOf(int8, graph);
    assert.ok(error > 2 ** -11 && error < 0.02, `${error}`);
  });

  it('makes up in the bias for what rounding does to the mean of the inputs', async () => {
    const graph = network();
    const shifted = {
      x: new Tensor('float32', rows!.x.data.map((value) => value + 20) as Float32Array<ArrayBuffer>, rows!.x.dims),
    };
    const meanError = async (stored: Graph) => {
      const [a, b] = [await evaluate(stored, shifted, ['h1']), await evaluate(graph, shifted, ['h1'])];
      const n = a['h1']!.dims[1]!;
      const sums = new Float64Array(n);
      a['h1']!.data.forEach((value, i) => {
        sums[i % n] += Number(value) - Number(b['h1']!.data[i]);
      });
      return Math.hypot(...sums) / 300;
    };
    const [blind, seeing] = [await storeWeights(graph, 'int8', null, evaluate), await store(graph, 'int8', shifted)];
    assert.ok((await meanError(seeing)) < (await meanError(blind)) / 5);
  });

  it('takes float16 where int8 would change too much or save nothing, float32 where halves overflow', async () => {
    const spiky = changed(network(), 'fc1.weight', (data) => {
      // The inputs never show column 0, so the rest of each row is what counts, and it rounds to zero.
      for (let n = 0; n < 30; n++) data[n * 40] = 1e4;
    });
    const unseen = {
      x: new Tensor(
        'float32',
        rows!.x.data.map((value, i) => (i % 40 === 0 ? 0 : value)) as Float32Array<ArrayBuffer>,
        [300, 40],
      ),
    };
    assert.deepEqual(countStored(await store(spiky, 'int8', unseen)), { int8: 1, float16: 1, float32: 0 });
    const huge = changed(network(), 'fc1.weight', (data) => data.set([1e6]));
    assert.deepEqual(countStored(await store(huge, 'f16')), { int8: 0, float16: 1, float32: 1 });
    const narrow = mlp([randomLayer(createRandom(1), 30, 1, () => true)]);
    assert.deepEqual(countStored(await storeWeights(narrow, 'int8', null, evaluate)), {
      int8: 0,
      float16: 1,
      float32: 0,
    });
  });

  it('writes int8 layers as standard ONNX, the same but for the rounding of inputs', async () => {
    const graph = await store(network(), 'int8');
    const again = canonicalise(readOnnx(encodeOnnx(graph)).graph);
    assert.equal(countStored(again).int8, 0);
    assert.ok((await errorOf(again, graph)) < 1e-3);
    assert.throws(() => encodeOnnx({ ...graph, opset: 11 }), withCode('OPERATOR_UNSUPPORTED', 'LinearInt8', '>= 13'));
  });
});
