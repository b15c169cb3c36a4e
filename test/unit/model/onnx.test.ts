import assert from 'node:assert/strict';
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Graph } from '../../../src/graph/graph.js';
import { encodeMessage } from '../../../src/graph/protobuf/encode.js';
import { type GraphMessage, type TensorMessage, tensorTable } from '../../../src/graph/protobuf/onnx-schema.js';
import { readOnnx, readTensorProto } from '../../../src/model/index.js';
import type { ErrorCode, KerfError } from '../../../src/runtime/errors.js';
import { floats, model, node, smallGraph, value } from './build-model.js';

function refuses(graph: GraphMessage, code: ErrorCode, sentence: RegExp, limits = {}) {
  assert.throws(
    () => readOnnx(model(graph), { limits }),
    (error: KerfError) => error.code === code && sentence.test(error.message),
  );
}

describe('readOnnx', () => {
  it('reads the digits net as torch wrote it', () => {
    const bytes = readFileSync('test/golden/digits/digits.onnx');
    const { graph, format, unsupported, sha256 } = readOnnx(bytes);
    assert.deepEqual(
      graph.nodes.map(({ op, name }) => `${op} ${name}`),
      ['Gemm fc1', 'Relu relu1', 'Gemm fc2', 'Relu relu2', 'Gemm fc3'],
    );
    assert.deepEqual(graph.inputs, [{ name: 'x', dtype: 'float32', shape: [[[1, 'batch']], 784] }]);
    assert.deepEqual(graph.outputs, [{ name: 'logits', dtype: 'float32', shape: [[[1, 'batch']], 10] }]);
    assert.deepEqual([...graph.initializers.keys()].sort(), [
      'fc1.bias',
      'fc1.weight',
      'fc2.bias',
      'fc2.weight',
      'fc3.bias',
      'fc3.weight',
    ]);
    assert.deepEqual(graph.initializers.get('fc1.weight')?.dims, [256, 784]);
    assert.equal(graph.nodes[0].attributes.get('transB'), 1);
    assert.equal(graph.opset, 13);
    assert.equal(format, 'onnx');
    assert.deepEqual(unsupported, []);
    assert.match(sha256, /^[0-9a-f]{64}$/);
  });

  it('sorts nodes that stand in the wrong order, and keeps the order of those that do not', () => {
    const graph = smallGraph();
    graph.node = [
      node('Relu', ['b'], ['c']),
      node('Neg', ['x'], ['free']),
      node('Exp', ['a'], ['b']),
      node('Add', ['c', 'free'], ['y']),
      node('MatMul', ['x', 'w'], ['a']),
    ];
    const ops = readOnnx(model(graph)).graph.nodes.map(({ op }) => op);
    assert.deepEqual(ops, ['Neg', 'MatMul', 'Exp', 'Relu', 'Add']);
  });

  it('refuses a cycle, also one that runs through a subgraph', () => {
    const graph = smallGraph();
    graph.node = [node('Add', ['x', 'b'], ['a']), node('Neg', ['a'], ['b']), node('Relu', ['b'], ['y'])];
    refuses(graph, 'MODEL_INVALID', /3 nodes form a cycle: got "Add:a"/);
    const branch = { name: 'branch', output: [value('t', [2])], node: [node('Neg', ['y'], ['t'])] };
    graph.node = [node('If', ['x'], ['y'], [{ name: 'then_branch', type: 5, g: branch }])];
    refuses(graph, 'MODEL_INVALID', /form a cycle/);
  });

  it('reads subgraphs, which see the values around them', () => {
    const graph = smallGraph();
    const branch = { name: 'branch', output: [{ name: 't' }], node: [node('Neg', ['h'], ['t'])] };
    graph.node = [
      node('If', ['x'], ['y'], [{ name: 'then_branch', type: 5, g: branch }]),
      node('MatMul', ['x', 'w'], ['h']),
    ];
    const { nodes } = readOnnx(model(graph)).graph;
    assert.deepEqual(
      nodes.map(({ op }) => op),
      ['MatMul', 'If'],
    );
    const read = nodes[1].attributes.get('then_branch') as Graph;
    assert.deepEqual(read.outputs, [{ name: 't', dtype: 'float32', shape: [], undeclared: true }]);
  });

  it('names unnamed dimensions, each by its own name', () => {
    const graph = smallGraph();
    graph.input = [value('x', [null, null, -1, 'x_dim0', 4])];
    const { shape } = readOnnx(model(graph)).graph.inputs[0];
    assert.deepEqual(shape, [[[1, 'x_dim0_2']], [[1, 'x_dim1']], [[1, 'x_dim2']], [[1, 'x_dim0']], 4]);
  });

  it('names unnamed nodes and takes initializers out of the inputs', () => {
    const graph = smallGraph();
    graph.input!.push(value('w', [2, 3]));
    for (const each of graph.node!) each.name = '';
    const read = readOnnx(model(graph)).graph;
    assert.deepEqual(
      read.nodes.map(({ name }) => name),
      ['MatMul_0', 'Relu_1'],
    );
    assert.deepEqual(
      read.inputs.map(({ name }) => name),
      ['x'],
    );
  });

  it('keeps attributes, 64-bit integers included', () => {
    const graph = smallGraph();
    graph.node![1].attribute = [
      { name: 'alpha', type: 1, f: 0.5 },
      { name: 'axis', type: 2, i: -1n },
      { name: 'end', type: 2, i: 9223372036854775807n },
      { name: 'mode', type: 3, s: new TextEncoder().encode('linear') },
      { name: 'perm', type: 7, ints: new BigInt64Array([1n, 0n, -2n]) },
      { name: 'scales', type: 6, floats: new Float32Array([1.5, 2]) },
      { name: 'old', i: 3n },
    ];
    const { attributes } = readOnnx(model(graph)).graph.nodes[1];
    assert.deepEqual(Object.fromEntries(attributes), {
      alpha: 0.5,
      axis: -1,
      end: 9223372036854775807n,
      mode: 'linear',
      perm: [1, 0, -2],
      scales: [1.5, 2],
      old: 3,
    });
  });

  it('refuses what makes no graph, by name', () => {
    const twice = smallGraph();
    twice.initializer!.push(floats('w', [1], [1]));
    refuses(twice, 'MODEL_INVALID', /"w" is defined twice/);
    const reused = smallGraph();
    reused.node!.push(node('Neg', ['x'], ['h']));
    refuses(reused, 'MODEL_INVALID', /"h" is defined twice/);
    const missing = smallGraph();
    missing.node![0].input = ['x', 'nowhere'];
    refuses(missing, 'MODEL_INVALID', /node "MatMul:h" \(MatMul\): the value "nowhere" is used/);
    const output = smallGraph();
    output.output!.push(value('z', [1]));
    refuses(output, 'MODEL_INVALID', /"z" is used/);
    const shapeless = smallGraph();
    shapeless.input![0].type = { tensorType: { elemType: 1 } };
    refuses(shapeless, 'MODEL_INVALID', /no rank/);
    const text = smallGraph();
    text.input![0] = value('x', ['batch', 2], 8);
    refuses(text, 'DTYPE_UNSUPPORTED', /element type string/);
    const sequence = smallGraph();
    sequence.input![0].type = { sequenceType: {} };
    refuses(sequence, 'DTYPE_UNSUPPORTED', /a sequence/);
    assert.throws(
      () => readOnnx(model(smallGraph(), 0n)),
      (error: KerfError) => error.code === 'MODEL_INVALID' && /operator set/.test(error.message),
    );
  });

  it('refuses sizes that lie before it allocates for them', () => {
    const lying = (dims: bigint[], more: Partial<TensorMessage> = {}) => {
      const graph = smallGraph();
      graph.initializer![0] = { ...floats('w', [2, 3], [1, 2, 3, 4, 5, 6]), dims: new BigInt64Array(dims), ...more };
      return graph;
    };
    refuses(lying([2n, 4n]), 'MODEL_INVALID', /got 24 bytes, expected 32/);
    refuses(lying([2n, -3n]), 'MODEL_INVALID', /invalid dimension: got -3/);
    refuses(lying([2n ** 40n]), 'MODEL_LIMIT', /dimension is too large/);
    refuses(lying([2n ** 20n, 2n ** 20n]), 'MODEL_LIMIT', /number of elements is too large/);
    refuses(lying(Array<bigint>(17).fill(1n)), 'MODEL_LIMIT', /rank is too large: got 17/);
    refuses(lying([2n, 3n], { segment: {} }), 'MODEL_INVALID', /segments/);
    refuses(lying([2n, 3n], { dataType: 17 }), 'DTYPE_UNSUPPORTED', /float8e4m3fn/);
  });

  it('holds the limits on nodes, nesting, names and items', () => {
    refuses(smallGraph(), 'MODEL_LIMIT', /number of nodes is too large: got 2/, { maxNodes: 1 });
    const long = smallGraph();
    long.node![0].name = 'n'.repeat(65_537);
    refuses(long, 'MODEL_LIMIT', /a string is too long: got 65537 bytes/);
    let inner: GraphMessage = { name: 'leaf', output: [] };
    for (let i = 0; i < 70; i++) {
      inner = { name: `g${i}`, node: [node('If', [], [`v${i}`], [{ name: 'then_branch', type: 5, g: inner }])] };
    }
    refuses(inner, 'MODEL_LIMIT', /(nesting|nested)/);
  });

  it('refuses files of other formats', () => {
    for (const bytes of [
      new Uint8Array(0),
      new TextEncoder().encode('{"format": "graph-model"}'),
      new Uint8Array(64),
    ]) {
      assert.throws(
        () => readOnnx(bytes),
        (error: KerfError) => error.code === 'FILE_FORMAT' && error.exitCode === 3,
      );
    }
    assert.throws(
      () => readOnnx(new Uint8Array(100), { limits: { maxFileBytes: 99 } }),
      (error: KerfError) => error.code === 'FILE_LIMIT' && error.exitCode === 5,
    );
  });
});

describe('readTensorProto', () => {
  const read = (message: TensorMessage) => readTensorProto(encodeMessage(message, tensorTable));
  const dims = new BigInt64Array([2n]);

  it('reads every storage of a tensor', () => {
    const cases: [TensorMessage, string, unknown[]][] = [
      [{ dims, dataType: 1, floatData: new Float32Array([1.5, -2]) }, 'float32', [1.5, -2]],
      [{ dims, dataType: 11, doubleData: new Float64Array([1.5, -2]) }, 'float64', [1.5, -2]],
      [{ dims, dataType: 6, int32Data: new Int32Array([-7, 7]) }, 'int32', [-7, 7]],
      [{ dims, dataType: 3, int32Data: new Int32Array([-7, 7]) }, 'int8', [-7, 7]],
      [{ dims, dataType: 9, int32Data: new Int32Array([1, 0]) }, 'bool', [1, 0]],
      [{ dims, dataType: 10, int32Data: new Int32Array([15360, 0]) }, 'float16', [15360, 0]],
      [{ dims, dataType: 7, int64Data: new BigInt64Array([-(2n ** 62n), 1n]) }, 'int64', [-(2n ** 62n), 1n]],
      [{ dims, dataType: 12, uint64Data: new BigUint64Array([2n ** 32n - 1n, 1n]) }, 'uint32', [2 ** 32 - 1, 1]],
      [{ dims, dataType: 13, uint64Data: new BigUint64Array([2n ** 63n, 1n]) }, 'uint64', [2n ** 63n, 1n]],
      [{ dims, dataType: 5, rawData: new Uint8Array([255, 255, 1, 0]) }, 'int16', [-1, 1]],
      [{ dims: new BigInt64Array([0n]), dataType: 1 }, 'float32', []],
    ];
    for (const [message, type, data] of cases) {
      const { name, tensor } = read({ name: 'input', ...message });
      assert.equal(name, 'input');
      assert.equal(tensor.type, type);
      assert.deepEqual(Array.from(tensor.data as Float32Array), data);
    }
  });

  it('refuses a typed field of another length', () => {
    assert.throws(
      () => read({ dims, dataType: 1, floatData: new Float32Array(3) }),
      (error: KerfError) => error.code === 'MODEL_INVALID' && /got 3 elements, expected 2/.test(error.message),
    );
  });
});

describe('external data', () => {
  let base: string;
  let folder: string;
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'kerf-external-'));
    folder = join(base, 'model');
    mkdirSync(join(folder, 'sub'), { recursive: true });
    const bytes = new Uint8Array(new Float32Array([9, 1, 2, 3, 4, 5, 6]).buffer);
    writeFileSync(join(folder, 'sub', 'w.bin'), bytes);
    writeFileSync(join(base, 'secret.bin'), bytes);
  });
  afterEach(() => rmSync(base, { recursive: true }));

  function external(entries: Record<string, string>): GraphMessage {
    const graph = smallGraph();
    const externalData = Object.entries(entries).map(([key, text]) => ({ key, value: text }));
    const dims = new BigInt64Array([2n, 3n]);
    graph.initializer = [{ name: 'w', dims, dataType: 1, dataLocation: 1, externalData }];
    return graph;
  }
  function fails(entries: Record<string, string>, code: ErrorCode, sentence: RegExp) {
    assert.throws(
      () => readOnnx(model(external(entries)), { folder }),
      (error: KerfError) => error.code === code && sentence.test(error.message),
    );
  }

  it("reads from the model's folder, and hashes what it reads", () => {
    const bytes = model(external({ location: 'sub/w.bin', offset: '4', length: '24' }));
    const first = readOnnx(bytes, { folder });
    assert.deepEqual(Array.from(first.graph.initializers.get('w')!.data as Float32Array), [1, 2, 3, 4, 5, 6]);
    writeFileSync(join(folder, 'sub', 'w.bin'), new Uint8Array(28));
    assert.notEqual(readOnnx(bytes, { folder }).sha256, first.sha256);
    assert.equal(readOnnx(model(smallGraph()), { folder }).sha256, readOnnx(model(smallGraph())).sha256);
  });

  it('refuses paths that leave the folder, links, devices and wrong sizes', () => {
    symlinkSync(join(base, 'secret.bin'), join(folder, 'link.bin'));
    symlinkSync(base, join(folder, 'up'));
    linkSync(join(base, 'secret.bin'), join(folder, 'hard.bin'));
    fails({ location: '../secret.bin' }, 'MODEL_INVALID', /leaves the model's folder/);
    fails({ location: 'sub/../../secret.bin' }, 'MODEL_INVALID', /leaves the model's folder/);
    fails({ location: join(base, 'secret.bin') }, 'MODEL_INVALID', /leaves the model's folder/);
    fails({ location: '/dev/zero' }, 'MODEL_INVALID', /leaves the model's folder/);
    fails({ location: 'link.bin' }, 'MODEL_INVALID', /is a link/);
    fails({ location: 'up/secret.bin' }, 'MODEL_INVALID', /is a link/);
    fails({ location: 'sub' }, 'MODEL_INVALID', /folder or device/);
    fails({ location: 'none.bin' }, 'IO_FAILED', /cannot be opened/);
    fails({ location: 'sub/w.bin', offset: '8' }, 'MODEL_INVALID', /too short: got 28 bytes, expected at least 32/);
    fails({ location: 'sub/w.bin', offset: '-4' }, 'MODEL_INVALID', /invalid external position/);
    fails({ location: 'sub/w.bin', length: '28' }, 'MODEL_INVALID', /got 28 bytes, expected 24/);
    fails({}, 'MODEL_INVALID', /without a location/);
  });

  it('refuses external data of a model without a folder', () => {
    assert.throws(
      () => readOnnx(model(external({ location: 'sub/w.bin' }))),
      (error: KerfError) => error.code === 'MODEL_INVALID' && /Load the model by its path/.test(error.message),
    );
  });
});
