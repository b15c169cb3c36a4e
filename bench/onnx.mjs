/** The small ONNX models that the peers run. */
import { encodeOnnx } from '../build/src/package/onnx-writer.js';
import { Tensor } from '../build/src/runtime/tensor.js';

/**
 * The model y = x W^T + b as one Gemm node, the form in which torch exports a linear layer.
 * @param w  [N, K]
 * @param b  [N]
 * @returns bytes of an ONNX file of opset 17
 */
export function linearModel(M, N, K, w, b) {
  const port = (name, shape) => ({ name, dtype: 'float32', shape });
  const attributes = new Map([['transB', 1]]);
  const node = { name: 'linear', op: 'Gemm', domain: '', inputs: ['x', 'w', 'b'], outputs: ['y'], attributes };
  return encodeOnnx({
    name: 'linear',
    opset: 17,
    inputs: [port('x', [M, K])],
    outputs: [port('y', [M, N])],
    nodes: [node],
    initializers: new Map([
      ['w', new Tensor('float32', w, [N, K])],
      ['b', new Tensor('float32', b, [N])],
    ]),
    quantization: new Map(),
  });
}
