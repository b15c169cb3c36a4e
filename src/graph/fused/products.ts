/** Products and convolutions with what onnxruntime joins to them, and weights of a few bits. */
import { Tensor } from '../../runtime/tensor.js';
import type { Attribute, Node } from '../graph.js';
import { integerOf, nodeError, realOf } from '../operators/attributes.js';
import { toNumbers } from '../operators/elements.js';
import { activated } from './activations.js';
import type { Write } from './node-writer.js';

/** The attributes of a node but some. */
export function attributesOf(node: Node, ...without: readonly string[]): Record<string, Attribute> {
  return Object.fromEntries([...node.attributes].filter(([name]) => !without.includes(name)));
}

/** alpha A B, either factor turned first. */
const fusedMatMul: Write = (node, writer) => {
  const isBatchTurned = ['transBatchA', 'transBatchB'].some((name) => integerOf(node, name, 0) !== 0);
  writer.refuse('turned batches', isBatchTurned);
  const [a, b] = ['transA', 'transB'].map((name, i) => {
    const value = writer.input(i);
    return integerOf(node, name, 0) !== 0 && writer.rankOf(value) > 1 ? writer.turn(value) : value;
  });
  const [y, alpha] = [writer.op('MatMul', [a, b]), realOf(node, 'alpha', 1)];
  return [alpha === 1 ? y : writer.op('Mul', [y, writer.number(alpha, y)])];
};

const fusedGemm: Write = (node, writer) => {
  const given = ['activation_alpha', 'activation_beta', 'activation_gamma'].map((name) =>
    realOf(node, name, undefined),
  );
  const own = ['activation', 'activation_alpha', 'activation_beta', 'activation_gamma'];
  return [activated(writer, writer.op('Gemm', node.inputs, attributesOf(node, ...own)), given)];
};

/** The activation of a convolution, of its sum with input 3 where there is one. */
const fusedConv: Write = (node, writer) => {
  const given = node.attributes.get('activation_params');
  const y = writer.op('Conv', node.inputs.slice(0, 3), attributesOf(node, 'activation', 'activation_params'));
  const sum = writer.sumOf(y, writer.optional(3));
  return [activated(writer, sum, Array.isArray(given) ? given.map(Number) : [])];
};

/** Numbers of `bits` each, the lowest bits of a byte first; every row of them starts at a byte. */
const unpack = (bytes: ArrayLike<number>, row: number, rowBytes: number, index: number, bits: number) => {
  const perByte = 8 / bits;
  return (bytes[row * rowBytes + Math.floor(index / perByte)] >> (bits * (index % perByte))) & (2 ** bits - 1);
};

/**
 * A times weights [K, N] of `bits` bits in blocks along K:
 *
 *     weights  uint8 [N, blocks, bytes of a block]      scales  [N blocks]      zero points  of `bits` bits, or as A
 */
const matMulNBits: Write = (node, writer) => {
  const [K, N, bits, size] = ['K', 'N', 'bits', 'block_size'].map((name) =>
    integerOf(node, name, name === 'bits' ? 4 : 0),
  );
  writer.refuse(`${bits} bits`, ![2, 4, 8].includes(bits));
  writer.refuse('an order of groups', writer.optional(4) !== '');
  const blocks = Math.ceil(K / size);
  const [packed, scaleInput, zeroInput] = [1, 2, 3].map((index) => writer.maker.known(node, index));
  const blockBytes = (size * bits) / 8;
  if (!(size > 0 && K > 0 && N > 0) || packed?.size !== N * blocks * blockBytes || scaleInput?.size !== N * blocks) {
    const got = `${packed?.size} bytes and ${scaleInput?.size} scales`;
    const problem = `weights: got ${got}, expected ${N * blocks * blockBytes} and ${N * blocks}.`;
    throw nodeError('MODEL_INVALID', node, problem);
  }
  const [bytes, scales, zeros] = [packed.data as Uint8Array, toNumbers(scaleInput), zeroInput && toNumbers(zeroInput)];
  const zeroBytes = Math.ceil((blocks * bits) / 8);
  const zeroOf = (n: number, block: number) => {
    if (!zeros) return 2 ** (bits - 1);
    return zeroInput!.type === 'uint8' ? unpack(zeros, n, zeroBytes, block, bits) : zeros[n * blocks + block];
  };
  const weights = new Float32Array(K * N);
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < K; k++) {
      const block = Math.floor(k / size);
      const number = unpack(bytes, n * blocks + block, blockBytes, k % size, bits);
      weights[k * N + n] = (number - zeroOf(n, block)) * scales[n * blocks + block];
    }
  }
  const constant = writer.cast(
    writer.constant(new Tensor('float32', weights, [K, N])),
    writer.maker.factOf(writer.input(0)).dtype,
  );
  return [writer.sumOf(writer.op('MatMul', [writer.input(0), constant]), writer.optional(5))];
};

export const products: Readonly<Record<string, Write>> = {
  FusedMatMul: fusedMatMul,
  TransposeMatMul: fusedMatMul,
  FusedGemm: fusedGemm,
  FusedConv: fusedConv,
  MatMulNBits: matMulNBits,
};
