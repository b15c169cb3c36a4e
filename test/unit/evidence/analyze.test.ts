import assert from 'node:assert/strict';
import { analyze, type Evidence, type TensorEvidence } from '../../../src/evidence/index.js';
import { canonicalise, type Graph, type Node, type Port } from '../../../src/graph/index.js';
import { type KerfError, Tensor } from '../../../src/index.js';
import { loadModel } from '../../../src/model/index.js';
import { createRandom } from '../../oracle/random.js';
import { freshNet } from '../../support/fresh-layers.js';
import { graphOf, node, port as portOf } from '../../support/graph.js';

const detector = 'node_modules/@vscode/vscode-languagedetection/model/model.json';
const digits = 'test/golden/digits';

function byName(evidence: Evidence, end: string): TensorEvidence {
  const found = evidence.tensors.find(({ name }) => name.endsWith(end));
  assert.ok(found, `no tensor ${end}`);
  return found;
}

describe('analyze, on VS Code’s language detector', () => {
  let evidence: Evidence;
  before(async () => {
    evidence = await analyze((await loadModel(detector)).graph);
  });

  it('finds the four deep matrices to be their initialisation', () => {
    const expected = [
      ['content_embedding/embedding_weights', 'truncated-normal:0.1195', 0.002],
      ['hiddenlayer_0/kernel', 'glorot-uniform', 0.011],
      ['hiddenlayer_1/kernel', 'glorot-uniform', 0.011],
      ['logits/kernel', 'glorot-uniform', 0.022],
    ] as const;
    for (const [name, law, distance] of expected) {
      const tensor = byName(evidence, name);
      assert.deepEqual([tensor.law, tensor.lawSource, tensor.verdict], [law, 'inferred', 'initialisation'], name);
      assert.ok(Math.abs(tensor.scaleRatio - 1) < 0.011 && tensor.fit.ks < distance, `${name}: ${tensor.fit.ks}`);
      assert.equal(tensor.spectrum?.supported, 0, name);
    }
  });

  it('finds the linear part and the deep biases moved from zero', () => {
    for (const name of ['linear_model/content/weights', 'hiddenlayer_0/bias', 'hiddenlayer_1/bias', 'logits/bias']) {
      const { law, verdict } = byName(evidence, name);
      assert.deepEqual([law, verdict], ['zeros', 'moved'], name);
    }
  });

  it('keeps the verdicts for other seeds of the dithering', async () => {
    const { graph } = await loadModel(detector);
    const verdicts = (from: Evidence) => from.tensors.map(({ verdict }) => verdict);
    for (const seed of [1, 2]) assert.deepEqual(verdicts(await analyze(graph, { seed })), verdicts(evidence));
  });

  it('would take the edge of the rounded support for evidence without the step', async () => {
    const { graph } = await loadModel(detector);
    const blind = await analyze({ ...graph, quantization: new Map() });
    const pair = (name: string) => [evidence, blind].map((from) => byName(from, name));
    const [embedding, blindEmbedding] = pair('embedding_weights');
    assert.ok(embedding.fit.pValue > 0.05 && blindEmbedding.fit.pValue < 1e-4);
    const [kernel, blindKernel] = pair('hiddenlayer_0/kernel');
    assert.ok(blindKernel.weights.supported > 4 * kernel.weights.supported);
  });
});

describe('analyze, on the digits net', () => {
  it('names the law of the fresh net and calls every matrix its initialisation', async () => {
    const { tensors } = await analyze((await loadModel(`${digits}/digits-init.onnx`)).graph);
    for (const { name, law, verdict, reason } of tensors) {
      assert.deepEqual([law, verdict], ['torch-linear', 'initialisation'], `${name}: ${reason}`);
    }
  });

  it('finds directions, units and scale moved after training', async () => {
    const evidence = await analyze((await loadModel(`${digits}/digits.onnx`)).graph);
    const [first, second, last] = ['fc1.weight', 'fc2.weight', 'fc3.weight'].map((name) => byName(evidence, name));
    assert.deepEqual(
      [first, second, last].map(({ law, verdict }) => [law, verdict]),
      [
        ['torch-linear', 'partly'],
        ['torch-linear', 'partly'],
        ['torch-linear', 'moved'],
      ],
    );
    assert.ok(first.spectrum!.supported > 20 && first.spectrum!.supported < 60);
    assert.ok(second.spectrum!.supported > 5 && second.spectrum!.supported < 30);
  });

  it('tells from the checkpoint which columns were never updated: the 67 pixels that are never lit', async () => {
    const init = (await loadModel(`${digits}/digits-init.onnx`)).graph.initializers;
    const evidence = await analyze((await loadModel(`${digits}/digits.onnx`)).graph, { init });
    const { law, columns, weights, verdict } = byName(evidence, 'fc1.weight');
    assert.deepEqual([law, columns.tested - columns.supported, verdict], ['checkpoint', 67, 'moved']);
    assert.ok(weights.supported >= 717 * 250 && weights.supported <= 717 * 256);
  });

  it('finds nothing touched when the checkpoint is the model', async () => {
    const { graph } = await loadModel(`${digits}/digits-init.onnx`);
    const { tensors, units } = await analyze(graph, { init: graph.initializers });
    for (const tensor of tensors) assert.deepEqual([tensor.verdict, tensor.weights.supported], ['initialisation', 0]);
    for (const { supported } of units) assert.equal(supported.indexOf(1), -1);
  });

  it('refuses a checkpoint that has none of the tensors, by name', async () => {
    const other = new Map([['encoder.weight', new Tensor('float32', new Float32Array(4), [2, 2])]]);
    const { graph } = await loadModel(`${digits}/digits.onnx`);
    await assert.rejects(
      analyze(graph, { init: other }),
      (error: KerfError) => error.code === 'MODEL_INVALID' && /got encoder.weight, expected/.test(error.message),
    );
  });

  it('refuses a checkpoint of another network', async () => {
    const { graph } = await loadModel(`${digits}/digits-init.onnx`);
    const init = new Map([['fc1.weight', new Tensor('float32', new Float32Array(6), [2, 3])]]);
    await assert.rejects(analyze(graph, { init }), (error: KerfError) => {
      return error.code === 'SHAPE_MISMATCH' && /initial tensor "fc1.weight"/.test(error.message);
    });
    const { tensors } = await analyze(graph, { init: new Map() });
    assert.ok(tensors.every(({ verdict, reason }) => verdict === 'no-null' && /no tensor of this name/.test(reason)));
  });
});

describe('analyze, against a checkpoint', () => {
  it('takes out weight decay: the untouched columns are found exactly', async () => {
    const before = freshNet('torch-linear', [300, 64], 3);
    const { init, graph } = oneLayer(before[0].weight, (w, j) => Math.fround(w * 0.5) + (j < 240 ? 0.003 : 0));
    const evidence = await analyze(graph, { init });
    const { columns, reason } = byName(evidence, 'W');
    assert.equal(columns.supported, 240);
    assert.match(reason, /after decay to 0\.5000; 60 of 300 columns were never updated/);
  });

  it('finds the orientation of a square matrix that the file stores transposed', async () => {
    const before = freshNet('torch-linear', [64, 64], 3);
    const { init, graph } = oneLayer(before[0].weight, (w) => w + 1e-3);
    const turned = new Float32Array(64 * 64);
    const data = init.get('W')!.data as Float32Array;
    for (let i = 0; i < 64; i++) for (let j = 0; j < 64; j++) turned[j * 64 + i] = data[i * 64 + j];
    const evidence = await analyze(graph, { init: new Map([['W', new Tensor('float32', turned, [64, 64])]]) });
    assert.ok(byName(evidence, 'W').scaleRatio < 1.1);
    const untouched = await analyze(graph, {
      init: new Map([['W', new Tensor('float32', graphTransposed(graph), [64, 64])]]),
    });
    assert.equal(byName(untouched, 'W').weights.supported, 0);
  });
});

const port = (name: string, columns: number): Port => ({ name, dtype: 'float32', shape: [1, columns] });

/** y = x W^T with W trained from `initial` by `train`. */
function oneLayer(initial: Tensor<'float32'>, train: (w: number, column: number) => number) {
  const [rows, columns] = initial.dims;
  const trained = initial.data.map((w, i) => train(w, i % columns));
  const node: Node = {
    name: 'fc',
    op: 'Gemm',
    domain: '',
    inputs: ['x', 'W'],
    outputs: ['y'],
    attributes: new Map([['transB', 1]]),
  };
  const graph: Graph = {
    name: 'one layer',
    opset: 13,
    inputs: [port('x', columns)],
    outputs: [port('y', rows)],
    nodes: [node],
    initializers: new Map([['W', new Tensor('float32', trained, [rows, columns])]]),
    quantization: new Map(),
  };
  return { graph, init: new Map<string, Tensor>([['W', initial]]) };
}

function graphTransposed(graph: Graph): Float32Array<ArrayBuffer> {
  const { data, dims } = graph.initializers.get('W')!;
  const [rows, columns] = dims;
  const out = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j] as number;
  return out;
}

describe('analyze, on convolutions', () => {
  const uniform = (seed: number, count: number, bound: number) => {
    const random = createRandom(seed);
    return Float32Array.from({ length: count }, () => bound * (2 * random.uniform() - 1));
  };
  const graphWith = (scaleOf: (row: number) => number) => {
    const weights = (seed: number, O: number, C: number) => {
      const size = C * 9;
      const data = uniform(seed, O * size, 1 / Math.sqrt(size)).map((w, i) => w * scaleOf(Math.floor(i / size)));
      return new Tensor('float32', data, [O, C, 3, 3]);
    };
    const nodes = [node('Conv', ['x', 'w1'], 'h'), node('Relu', ['h'], 'a'), node('Conv', ['a', 'w2'], 'y')];
    const constants = { w1: weights(1, 24, 16), w2: weights(2, 32, 24) };
    return canonicalise(graphOf({ inputs: [portOf('x', [1, 16, 9, 9])], outputs: ['y'], nodes, constants }));
  };
  const verdicts = async (graph: Graph) => (await analyze(graph)).tensors.map(({ verdict }) => verdict);

  it('finds fresh weights, and claims no law at a scale that none gives, or where every row has its own', async () => {
    assert.deepEqual(await verdicts(graphWith(() => 1)), ['initialisation', 'initialisation']);
    assert.deepEqual(await verdicts(graphWith(() => 1.8)), ['no-null', 'no-null']);
    assert.deepEqual(await verdicts(graphWith((row) => 0.3 + 0.1 * (row % 12))), ['no-null', 'no-null']);
  });
});
