import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decompose } from '../../../src/decompose.js';
import { type KerfError, Tensor } from '../../../src/index.js';
import { encodeArrays, loadModel, openWeights } from '../../../src/model/index.js';
import { createSessionFromModel } from '../../../src/pipeline.js';
import { inspectModel } from '../../../src/report/inspection.js';
import { f32, safetensors, safetensorsHeader } from '../../support/safetensors.js';

const words = (...bits: number[]) => new Uint8Array(Uint16Array.from(bits).buffer);

/** 1.5, -2 and 0.25 in every width; the first tensor leaves the others at odd addresses. */
const file = safetensors({
  odd: { dtype: 'U8', shape: [3], bytes: Uint8Array.of(7, 8, 9) },
  single: f32([1.5, -2, 0.25], [3, 1]),
  half: { dtype: 'F16', shape: [3], bytes: words(0x3e00, 0xc000, 0x3400) },
  brain: { dtype: 'BF16', shape: [3], bytes: words(0x3fc0, 0xc000, 0x3e80) },
  double: { dtype: 'F64', shape: [3], bytes: new Uint8Array(Float64Array.of(1.5, -2, 0.25).buffer) },
});

async function refuses(bytes: Uint8Array, code: string, pattern: RegExp): Promise<void> {
  await assert.rejects(loadModel(bytes), (error: KerfError) => {
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
    return true;
  });
}

describe('weights without a network', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kerf-weights-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('reads safetensors: floats of every width as float32, the rest as it is', async () => {
    const { format, graph } = await loadModel(file);
    assert.equal(format, 'safetensors');
    assert.deepEqual([graph.nodes.length, graph.inputs.length, graph.outputs.length], [0, 0, 0]);
    for (const name of ['single', 'half', 'brain', 'double']) {
      const tensor = graph.initializers.get(name)!;
      assert.equal(tensor.type, 'float32', name);
      assert.deepEqual([...(tensor.data as Float32Array)], [1.5, -2, 0.25], name);
    }
    assert.deepEqual(graph.initializers.get('single')!.dims, [3, 1]);
    assert.equal(graph.initializers.get('odd')!.type, 'uint8');
  });

  it('reads the same tensors one at a time', async () => {
    const path = join(folder, 'all.safetensors');
    writeFileSync(path, file);
    const opened = openWeights(path)!;
    try {
      assert.deepEqual(
        opened.weights.map(({ name }) => name),
        ['single', 'half', 'brain', 'double'],
      );
      for (const { name, read } of opened.weights) assert.deepEqual([...read()], [1.5, -2, 0.25], name);
    } finally {
      opened.close();
    }
    writeFileSync(path, encodeArrays(new Map([['x', new Tensor('float32', Float32Array.of(1), [1])]]), 'npz'));
    assert.equal(openWeights(path), null);
    assert.equal(openWeights(folder), null);
  });

  it('reads npz', async () => {
    const arrays = new Map<string, Tensor>([
      ['w', new Tensor('float64', Float64Array.of(1, 2, 3, 4.5), [2, 2])],
      ['n', new Tensor('int32', Int32Array.of(5), [1])],
    ]);
    const { format, graph } = await loadModel(encodeArrays(arrays, 'npz'));
    assert.equal(format, 'npz');
    assert.deepEqual([...graph.initializers.get('w')!.data], [1, 2, 3, 4.5]);
    assert.deepEqual([graph.initializers.get('w')!.type, graph.initializers.get('n')!.type], ['float32', 'int32']);
  });

  it('tells the roles of tensors by name and shape', async () => {
    const bytes = safetensors({ 'a.weight': f32([1, 2, 3, 4], [2, 2]), 'a.bias': f32([1, 2], [2]) });
    const { tensors, parameters, opset } = inspectModel(await loadModel(bytes));
    assert.deepEqual(
      tensors.map(({ role }) => role),
      ['weight', 'bias'],
    );
    assert.deepEqual([parameters, opset], [6, 0]);
  });

  it('refuses headers that do not fit the file', async () => {
    const entry = (more: object) => ({ x: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...more } });
    const withPayload = (header: object) => Buffer.concat([safetensorsHeader(header), new Uint8Array(8)]);
    await loadModel(withPayload(entry({})));
    await refuses(withPayload(entry({ shape: [3] })), 'MODEL_INVALID', /wrong place/);
    await refuses(withPayload(entry({ data_offsets: [4, 12] })), 'MODEL_INVALID', /wrong place/);
    await refuses(withPayload(entry({ dtype: 'F8_E4M3' })), 'MODEL_INVALID', /malformed entry/);
    await refuses(withPayload(entry({ shape: [1], data_offsets: [0, 4] })), 'MODEL_INVALID', /behind the last tensor/);
    await refuses(safetensorsHeader('{"x":{}}'), 'MODEL_INVALID', /malformed entry/);
    await refuses(safetensorsHeader('{"x":{},"x":{}}'), 'MODEL_INVALID', /a key stands twice/);
    await refuses(file.subarray(0, 40), 'MODEL_INVALID', /header is too long.*Export the weights again/);
    const empty = { x: { dtype: 'F32', shape: [2 ** 31, 0], data_offsets: [0, 0] } };
    await refuses(safetensorsHeader(empty), 'MODEL_LIMIT', /dimension is too large/);
  });

  it('is no network to run or to decompose', async () => {
    const model = await loadModel(file);
    assert.throws(() => createSessionFromModel(model), { code: 'FILE_FORMAT' });
    await assert.rejects(decompose(model), { code: 'FILE_FORMAT' });
  });
});
