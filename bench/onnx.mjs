/** Writes the small ONNX models that the peers run: just enough of the protobuf encoding for one linear layer. */

/** Little-endian base-128 number. */
function varint(value) {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

/** Field `number` holding a whole number. */
function number(field, value) {
  return Uint8Array.from([...varint(field * 8), ...varint(value)]);
}

/** Field `number` holding bytes, text, or a message made of fields. */
function block(field, content) {
  const body =
    typeof content === 'string' ? Buffer.from(content) : ArrayBuffer.isView(content) ? content : Buffer.concat(content);
  return Buffer.concat([Uint8Array.from([...varint(field * 8 + 2), ...varint(body.byteLength)]), body]);
}

const float32 = 1;

function tensor(name, dims, data) {
  const raw = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return [...dims.map((dim) => number(1, dim)), number(2, float32), block(8, name), block(9, raw)];
}

function port(name, dims) {
  const shape = dims.map((dim) => block(1, [number(1, dim)]));
  return [block(1, name), block(2, [block(1, [number(1, float32), block(2, shape)])])];
}

/**
 * The model y = x W^T + b as one Gemm node, the form in which torch exports a linear layer.
 * @param w  [N, K]
 * @param b  [N]
 * @returns bytes of an ONNX file of opset 17
 */
export function linearModel(M, N, K, w, b) {
  const attribute = [block(1, 'transB'), number(3, 1), number(20, 2)];
  const node = [
    block(1, 'x'),
    block(1, 'w'),
    block(1, 'b'),
    block(2, 'y'),
    block(3, 'linear'),
    block(4, 'Gemm'),
    block(5, attribute),
  ];
  const graph = [
    block(1, node),
    block(2, 'linear'),
    block(5, tensor('w', [N, K], w)),
    block(5, tensor('b', [N], b)),
    block(11, port('x', [M, K])),
    block(12, port('y', [M, N])),
  ];
  return Buffer.concat([number(1, 8), block(8, [number(2, 17)]), block(7, graph)]);
}
