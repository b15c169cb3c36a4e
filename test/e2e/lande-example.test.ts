import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { exportOnnx, type Graph, InferenceSession, Tensor } from '../../src/index.js';
import { root, scratchFolder } from './kerf.js';

interface Conversion {
  decodeBytes(text: string): Float32Array;
  toGraph(options: object): Graph;
  encodeSafetensors(tensors: ReadonlyMap<string, Tensor>): Buffer;
}

const { decodeBytes, toGraph, encodeSafetensors }: Conversion = await import(
  pathToFileURL(join(root, 'examples/lande/convert.mjs')).href
);

/** Integers around zero, at a scale, as toygrad writes them. */
const encoded = (scale: number, values: number[]) =>
  `1${scale}|${Buffer.from(values.map((v) => v + 127)).toString('base64')}`;

/** y = softmax(W2 relu(W1 x + b1) + b2), 2-2-2. */
const options = {
  layers: [
    { type: 'input', sx: 1, sy: 1, sz: 2 },
    { type: 'dense', filters: 2, _biases: encoded(1, [0, 1]), _filters: [encoded(2, [2, 4]), encoded(1, [-1, 0])] },
    { type: 'relu' },
    { type: 'dense', filters: 2, _biases: encoded(1, [0, 0]), _filters: [encoded(1, [1, 0]), encoded(1, [0, 1])] },
    { type: 'softmax' },
  ],
};

describe('examples/lande', () => {
  it('decodes bytes with a scale, and refuses other encodings', () => {
    assert.deepEqual([...decodeBytes(encoded(2, [-3, 0, 100]))], [-1.5, 0, 50]);
    assert.throws(() => decodeBytes('4AAAA'), /unknown encoding: got "4AAAA"/);
    assert.throws(() => toGraph({ layers: [options.layers[0], { type: 'conv' }] }), /unknown type: got "conv"/);
  });

  it('makes an ONNX file that computes what the layers say', async () => {
    const scratch = scratchFolder();
    const path = join(scratch.path, 'net.onnx');
    await exportOnnx(toGraph(options), path);
    await using session = await InferenceSession.create(path, { executor: 'wasm' });
    const { softmax3 } = await session.run({ x: new Tensor('float32', Float32Array.from([1, 0.5, 0, 0]), [2, 2]) });
    // Hidden units: relu(1 + 1) = 2 and relu(1 - 1) = 0; then 0 and 1.
    const want = [1 / (1 + Math.exp(-2)), 1 / (1 + Math.exp(2)), 1 / (1 + Math.E), 1 / (1 + 1 / Math.E)];
    [...(softmax3.data as Float32Array)].forEach((p, i) => {
      assert.ok(Math.abs(p - want[i]) < 1e-6, `${p}, ${want[i]}`);
    });
    scratch.remove();
  });

  it('writes safetensors: header, then the values in its order', () => {
    const file = encodeSafetensors(toGraph(options).initializers);
    const length = Number(file.readBigUInt64LE());
    assert.equal(length % 8, 0);
    const header = JSON.parse(file.subarray(8, 8 + length).toString());
    assert.deepEqual(header['fc1.weight'], { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] });
    assert.deepEqual(header['fc2.bias'].data_offsets, [40, 48]);
    const values = Array.from({ length: 4 }, (_, i) => file.readFloatLE(8 + length + 4 * i));
    assert.deepEqual(values, [1, 2, -1, 0]);
    assert.equal(file.length, 8 + length + 48);
  });
});
