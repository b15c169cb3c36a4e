/** The network of npm `lande` (MIT), as toygrad stores it, in formats that others read. */
import { Tensor } from '../../build/src/index.js';

/**
 * Values that toygrad wrote with one byte each: `1<scale>|<base64>`, value = (byte - 127) / scale, cut towards zero.
 * @throws Error for another encoding
 */
export function decodeBytes(text) {
  const [, scale, bytes] = /^1([\d.]+)\|([A-Za-z0-9+/]*=*)$/.exec(text) ?? [];
  if (bytes === undefined)
    throw new Error(`weights: unknown encoding: got "${text.slice(0, 12)}", expected 1<scale>|<base64>`);
  return Float32Array.from(Buffer.from(bytes, 'base64'), (byte) => (byte - 127) / Number(scale));
}

/** Dense layer number `i` as tensors `fc<i>.weight` [out, in] and `fc<i>.bias` [out]. */
function denseTensors({ filters, _filters, _biases }, i) {
  const rows = _filters.map(decodeBytes);
  const weight = new Float32Array(filters * rows[0].length);
  for (const [out, row] of rows.entries()) weight.set(row, out * row.length);
  return [
    [`fc${i}.weight`, new Tensor('float32', weight, [filters, rows[0].length])],
    [`fc${i}.bias`, new Tensor('float32', decodeBytes(_biases), [filters])],
  ];
}

const activations = { relu: 'Relu', softmax: 'Softmax' };

/**
 * The layers of toygrad's options as a graph of kerf.
 * @param options.layers  input, dense, relu and softmax layers, in order
 */
export function toGraph({ layers }) {
  const initializers = new Map();
  const nodes = [];
  let dense = 0;
  let [value, width] = ['x', layers[0].sz];
  const push = (name, op, inputs, attributes = []) => {
    nodes.push({ name, op, domain: '', inputs, outputs: [name], attributes: new Map(attributes) });
    value = name;
  };
  for (const [i, layer] of layers.slice(1).entries()) {
    if (layer.type === 'dense') {
      const tensors = denseTensors(layer, ++dense);
      for (const [name, tensor] of tensors) initializers.set(name, tensor);
      push(`fc${dense}`, 'Gemm', [value, ...tensors.map(([name]) => name)], [['transB', 1]]);
      width = layer.filters;
    } else if (layer.type in activations) {
      push(`${layer.type}${i}`, activations[layer.type], [value], layer.type === 'softmax' ? [['axis', -1]] : []);
    } else throw new Error(`layer ${i + 1}: unknown type: got "${layer.type}", expected dense, relu or softmax`);
  }
  // Any number of rows: one times the symbol `batch`.
  const port = (name, columns) => ({ name, dtype: 'float32', shape: [[[1, 'batch']], columns] });
  const [inputs, outputs] = [[port('x', layers[0].sz)], [port(value, width)]];
  return { name: 'lande', opset: 13, inputs, outputs, nodes, initializers, quantization: new Map() };
}

/** Tensors as one safetensors file: | u64 length of the header | header, JSON | values of each tensor |. */
export function encodeSafetensors(tensors) {
  const header = {};
  const buffers = [];
  let end = 0;
  for (const [name, { data, dims }] of tensors) {
    header[name] = { dtype: 'F32', shape: dims, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
    buffers.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  }
  const json = JSON.stringify(header);
  const words = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(words.length));
  return Buffer.concat([length, words, ...buffers]);
}
