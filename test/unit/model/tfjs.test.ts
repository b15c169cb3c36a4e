import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { bucketIds } from '../../../src/demo/language-detector.js';
import { loadModel, readTfjs } from '../../../src/model/index.js';
import { type ErrorCode, KerfError } from '../../../src/runtime/errors.js';
import { detectorProbabilities } from '../demo/detector-by-hand.js';

const detectorFolder = 'node_modules/@vscode/vscode-languagedetection/model';
const detector = join(detectorFolder, 'model.json');

interface Golden {
  text: string;
  top: string;
  probabilities: Record<string, number>;
}

describe("VS Code's language detector", () => {
  it('is cut at the hashed texts', async () => {
    const { graph, format, labels } = await loadModel(detector);
    assert.equal(format, 'tfjs');
    const batch = [[1, 'batch']];
    assert.deepEqual(graph.inputs, [{ name: 'bucket_ids', dtype: 'int32', shape: [batch, [[1, 'length']]] }]);
    assert.deepEqual(graph.outputs, [{ name: 'probabilities', dtype: 'float32', shape: [batch, 54] }]);
    assert.equal(labels?.length, 54);
    const ops = graph.nodes.map(({ op, domain }) => domain + op);
    assert.equal(ops.filter((op) => op === 'kerfEmbeddingBag').length, 2);
    assert.deepEqual(new Set(ops), new Set(['kerfEmbeddingBag', 'Add', 'MatMul', 'Relu', 'Softmax']));
    const modes = graph.nodes.map(({ attributes }) => attributes.get('mode')).filter(Boolean);
    assert.deepEqual(modes.sort(), ['mean', 'sum']);
    let parameters = 0;
    for (const tensor of graph.initializers.values()) parameters += tensor.size;
    assert.equal(parameters, 674_604);
  });

  it('keeps the rounding of the weights: each is minimum + step * integer', async () => {
    const { graph } = await loadModel(detector);
    const { step, minimum } = graph.quantization.get('dnn/hiddenlayer_0/kernel')!;
    const weights = graph.initializers.get('dnn/hiddenlayer_0/kernel')!.data as Float32Array;
    assert.equal(graph.quantization.size, graph.initializers.size);
    for (const weight of weights.subarray(0, 500)) {
      const integer = (weight - minimum) / step;
      assert(Math.abs(integer - Math.round(integer)) < 1e-4 && integer > -0.5 && integer < 255.5);
    }
  });

  it('gives the probabilities that the package itself gives', async () => {
    const { graph, labels } = await loadModel(detector);
    const cases = JSON.parse(readFileSync('test/golden/language-detector/expected.json', 'utf8')) as Golden[];
    assert(cases.length >= 12);
    for (const { text, top, probabilities } of cases) {
      const found = detectorProbabilities(graph, bucketIds(text));
      // tfjs sums up to 10,000 float32 rows one by one; by hand they are summed in float64.
      labels!.forEach((label, i) => {
        assert(Math.abs(found[i] - probabilities[label]) < 2e-5, `${label}: ${found[i]} ${probabilities[label]}`);
      });
      assert.equal(labels![found.indexOf(Math.max(...found))], top);
    }
  });
});

describe('readTfjs', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kerf-tfjs-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  interface Entry {
    name: string;
    shape: number[];
    dtype: string;
  }
  const kernel: Entry = { name: 'w', shape: [2, 3], dtype: 'float32' };
  const node = (name: string, op: string, input: string[] = [], attr: object = {}) => ({ name, op, input, attr });
  const shape = { shape: { dim: [{ size: '-1' }, { size: '2' }] } };
  const placeholder = node('x', 'Placeholder', [], { dtype: { type: 'DT_FLOAT' }, shape });

  function file(nodes: object[], weights: Entry[] = [kernel], paths = ['a.bin', 'b.bin']): Uint8Array {
    const tensorShape = { dim: [{ size: '-1' }, { size: '3' }] };
    const outputs = { y: { name: 'scope/y:0', dtype: 'DT_FLOAT', tensorShape } };
    const text = JSON.stringify({
      format: 'graph-model',
      signature: { outputs },
      modelTopology: { node: nodes },
      weightsManifest: [{ paths, weights }],
    });
    return new TextEncoder().encode(text);
  }
  function writeShards() {
    const bytes = new Uint8Array(new Float32Array([1, 2, 3, 4, 5, 6]).buffer);
    writeFileSync(join(folder, 'a.bin'), bytes.subarray(0, 10));
    writeFileSync(join(folder, 'b.bin'), bytes.subarray(10));
  }
  function refuses(bytes: Uint8Array, code: ErrorCode, sentence: RegExp) {
    assert.throws(
      () => readTfjs(bytes, { folder }),
      (error: KerfError) => error.code === code && sentence.test(error.message),
    );
  }
  const dense = [placeholder, node('w', 'Const'), node('scope/y', 'MatMul', ['x', 'w'])];

  it('reads a dense layer whose weights span two shards', () => {
    writeShards();
    const { graph } = readTfjs(file(dense), { folder });
    assert.deepEqual(Array.from(graph.initializers.get('w')!.data as Float32Array), [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(
      graph.nodes.map(({ op, inputs, outputs }) => [op, inputs, outputs]),
      [['MatMul', ['x', 'w'], ['y']]],
    );
    assert.deepEqual(graph.inputs[0].shape, [[[1, 'batch']], 2]);
  });

  it('names every operator that it cannot convert', () => {
    writeShards();
    const nodes = [
      placeholder,
      node('w', 'Const'),
      node('c', 'Conv2D', ['x', 'w']),
      node('r', 'Einsum', ['c']),
      node('scope/y', 'Relu', ['r']),
    ];
    refuses(file(nodes), 'OPERATOR_UNSUPPORTED', /got Conv2D, Einsum\./);
  });

  it('refuses weights that do not fit their shards, and shards outside the folder', () => {
    writeShards();
    const named = (dims: number[], dtype = 'float32') => file(dense, [{ name: 'w', shape: dims, dtype }]);
    refuses(named([2, 4]), 'MODEL_INVALID', /too short: got 24 bytes, expected 32/);
    refuses(named([2, 2]), 'MODEL_INVALID', /8 bytes too long/);
    refuses(named([-1, 2]), 'MODEL_INVALID', /invalid dimension/);
    refuses(named([2 ** 20, 2 ** 20]), 'MODEL_LIMIT', /number of elements/);
    refuses(named([2, 3], 'complex64'), 'DTYPE_UNSUPPORTED', /complex64/);
    refuses(file(dense, [kernel], ['../a.bin']), 'MODEL_INVALID', /leaves the model's folder/);
    refuses(file(dense, [kernel], ['none.bin']), 'IO_FAILED', /cannot be opened/);
    symlinkSync(join(folder, 'a.bin'), join(folder, 'link.bin'));
    refuses(file(dense, [kernel], ['link.bin']), 'MODEL_INVALID', /is a link/);
    refuses(file(dense, [kernel, kernel]), 'MODEL_INVALID', /defined twice/);
  });

  it('refuses broken graphs and other JSON', () => {
    writeShards();
    const cycle = [node('a', 'Relu', ['b']), node('b', 'Relu', ['a']), node('scope/y', 'Relu', ['a'])];
    refuses(file(cycle), 'MODEL_INVALID', /a cycle runs through/);
    refuses(file([node('scope/y', 'Relu', ['nowhere'])]), 'MODEL_INVALID', /nothing makes the tensor "nowhere"/);
    refuses(new TextEncoder().encode('{"a": 1}'), 'FILE_FORMAT', /not a graph model/);
    refuses(new TextEncoder().encode('{"a": '), 'FILE_FORMAT', /not valid JSON/);
    assert.throws(
      () => readTfjs(file(dense)),
      (error: KerfError) => error.code === 'MODEL_INVALID' && /Load the model by its path/.test(error.message),
    );
  });

  it('never crashes on a damaged model.json or shard', () => {
    cpSync(detectorFolder, folder, { recursive: true });
    const bytes = readFileSync(detector);
    const isRefused = (damaged: Uint8Array) => {
      try {
        readTfjs(damaged, { folder });
        return false;
      } catch (error) {
        assert(error instanceof KerfError, (error as Error).stack);
        return true;
      }
    };
    for (let i = 0; i < 20; i++) assert(isRefused(bytes.subarray(0, Math.floor((i * bytes.length) / 20))));
    const tokens = [...bytes.toString('latin1').matchAll(/"[^"]*"|-?\d+/g)].map(({ index, 0: text }) => [index, text]);
    const edit = fc.tuple(
      fc.nat(tokens.length - 1),
      fc.constantFrom('"w"', '-1', '9e99', 'null', '"Relu"', '[]', '{}'),
    );
    fc.assert(
      fc.property(edit, ([at, text]) => {
        const [index, old] = tokens[at] as [number, string];
        const damaged = Buffer.concat([
          bytes.subarray(0, index),
          Buffer.from(text),
          bytes.subarray(index + old.length),
        ]);
        isRefused(damaged);
      }),
      { numRuns: 40 },
    );
    writeFileSync(join(folder, 'group1-shard1of1.bin'), readFileSync(join(folder, 'group1-shard1of1.bin')).subarray(1));
    assert(isRefused(bytes));
  });
});
