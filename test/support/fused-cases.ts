/** One small graph for each form of each operator that onnxruntime fuses; see test/golden/fused for what it computes. */
import type { Attribute, Graph, Port } from '../../src/graph/graph.js';
import { type DType, Tensor, type TensorData } from '../../src/runtime/tensor.js';
import { graphOf, node } from './graph.js';
import { Random } from './random.js';

export interface FusedCase {
  readonly name: string;
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

const random = new Random(20);

const sizeOf = (dims: readonly number[]) => dims.reduce((product, dim) => product * dim, 1);

const reals = (...dims: readonly number[]) => new Tensor('float32', random.floats(sizeOf(dims)), dims);
const real = (value: number) => new Tensor('float32', Float32Array.of(value), []);

function wholes(dtype: DType, dims: readonly number[], first: number, last: number): Tensor {
  const numbers = Array.from({ length: sizeOf(dims) }, () => random.integer(first, last));
  return ints(dtype, dims, numbers);
}

function ints(dtype: DType, dims: readonly number[], numbers: readonly number[]): Tensor {
  const data: Partial<Record<DType, () => TensorData>> = {
    int64: () => BigInt64Array.from(numbers, BigInt),
    int32: () => Int32Array.from(numbers),
    uint8: () => Uint8Array.from(numbers),
    int8: () => Int8Array.from(numbers),
  };
  return new Tensor(dtype, data[dtype]!(), dims);
}

const bytes = (...dims: readonly number[]) => wholes('uint8', dims, 0, 255);
const signed = (...dims: readonly number[]) => wholes('int8', dims, -128, 127);
const zero = (value: number) => ints('uint8', [], [value]);

/** What is fed; everything else that a case gives is a constant of the model. */
class Fed {
  constructor(readonly tensor: Tensor) {}
}

const fed = (tensor: Tensor) => new Fed(tensor);

type Input = Tensor | Fed | null;

interface Extra {
  readonly opset?: number;
  /** Outputs from the first to the last that is asked for; '' for one that is not. */
  readonly outputs?: readonly string[];
}

function make(
  name: string,
  op: string,
  given: readonly Input[],
  attributes: Readonly<Record<string, Attribute>> = {},
  { opset = 17, outputs = ['y'] }: Extra = {},
): FusedCase {
  const names = given.map((input, i) => (input === null ? '' : `input${i}`));
  const pairs = given.map((input, i) => [names[i], input] as const);
  const feeds = pairs.flatMap(([key, input]) => (input instanceof Fed ? [[key, input.tensor] as const] : []));
  const constants = pairs.flatMap(([key, input]) => (input instanceof Tensor ? [[key, input] as const] : []));
  const inputs = feeds.map(([key, { type, dims }]): Port => ({ name: key, dtype: type, shape: dims }));
  const graph = graphOf({
    inputs,
    outputs: outputs.filter(Boolean),
    nodes: [node(op, names, outputs, attributes)],
    constants: Object.fromEntries(constants),
    opset,
  });
  return { name, graph, feeds: Object.fromEntries(feeds) };
}

const x = () => fed(reals(2, 5, 8));

function activationCases(): readonly FusedCase[] {
  return [
    make('Gelu', 'com.microsoft.Gelu', [x()]),
    make('BiasGelu', 'com.microsoft.BiasGelu', [x(), reals(8)]),
    make('FastGelu', 'com.microsoft.FastGelu', [x()]),
    make('FastGelu with a bias', 'com.microsoft.FastGelu', [x(), reals(8)]),
    make('QuickGelu', 'com.microsoft.QuickGelu', [x()], { alpha: 1.25 }),
    make('QuickGelu by default', 'com.microsoft.QuickGelu', [x()]),
  ];
}

function normCases(): readonly FusedCase[] {
  const affine = () => [reals(8), reals(8)];
  const ids = () => fed(wholes('int32', [2, 5], 0, 6));
  const tables = () => [reals(7, 8), reals(6, 8), reals(7, 8), ...affine()];
  const sums = { outputs: ['y', '', '', 'sum'] };
  const mask = fed(ints('int32', [2, 5], [1, 1, 1, 0, 0, 1, 1, 1, 1, 1]));
  return [
    make('LayerNormalization', 'LayerNormalization', [x(), ...affine()], { epsilon: 1e-3 }, { opset: 12 }),
    make('LayerNormalization without a bias', 'LayerNormalization', [x(), reals(8)], { axis: 2 }, { opset: 12 }),
    make('SimplifiedLayerNormalization', 'SimplifiedLayerNormalization', [x(), reals(8)], { epsilon: 1e-3 }),
    make('SkipLayerNormalization', 'com.microsoft.SkipLayerNormalization', [x(), x(), ...affine()], {}, sums),
    make(
      'SkipLayerNormalization with a bias',
      'com.microsoft.SkipLayerNormalization',
      [x(), x(), ...affine(), reals(8)],
      {
        epsilon: 1e-4,
      },
    ),
    make('SkipLayerNormalization of one row', 'com.microsoft.SkipLayerNormalization', [x(), reals(5, 8), ...affine()]),
    make(
      'SkipSimplifiedLayerNormalization',
      'com.microsoft.SkipSimplifiedLayerNormalization',
      [x(), x(), reals(8), reals(8)],
      { epsilon: 1e-4 },
      { ...sums, opset: 20 },
    ),
    make(
      'EmbedLayerNormalization',
      'com.microsoft.EmbedLayerNormalization',
      [ids(), ids(), ...tables(), mask],
      {},
      {
        outputs: ['y', 'lengths'],
      },
    ),
    make(
      'EmbedLayerNormalization at places',
      'com.microsoft.EmbedLayerNormalization',
      [ids(), null, reals(7, 8), reals(6, 8), null, ...affine(), null, fed(wholes('int32', [2, 5], 0, 5))],
      { epsilon: 1e-4 },
      { outputs: ['y', '', 'sum'] },
    ),
  ];
}

function attentionCases(): readonly FusedCase[] {
  const four = { num_heads: 4 };
  const projected = (...sizes: readonly number[]) => {
    const width = sizes.reduce((sum, size) => sum + size, 0);
    return [x(), reals(8, width), reals(width)];
  };
  const places = (...dims: readonly number[]) => fed(wholes('int32', dims, 0, 1));
  const lengths = (...values: readonly number[]) => fed(ints('int32', [values.length], values));
  const attention = 'com.microsoft.Attention';
  const multi = 'com.microsoft.MultiHeadAttention';
  const rows = (length: number, width = 8) => fed(reals(2, length, width));
  return [
    make('Attention', attention, projected(8, 8, 8), { num_heads: 2 }),
    make('Attention with places', attention, [...projected(8, 8, 8), places(2, 5)], four),
    make('Attention with lengths', attention, [...projected(8, 8, 8), lengths(3, 5)], four),
    make('Attention with places of each query', attention, [...projected(8, 8, 8), places(2, 5, 5)], four),
    make('Attention one way', attention, projected(8, 8, 8), { ...four, unidirectional: 1 }),
    make(
      'Attention one way with places',
      attention,
      [...projected(8, 8, 8), fed(ints('int32', [2, 5], [1, 1, 1, 1, 0, 1, 0, 1, 1, 1]))],
      {
        ...four,
        unidirectional: 1,
      },
    ),
    make('Attention of other widths', attention, projected(8, 8, 12), {
      ...four,
      qkv_hidden_sizes: [8, 8, 12],
      scale: 0.75,
    }),
    make('Attention with numbers added', attention, [...projected(8, 8, 8), null, null, fed(reals(2, 4, 5, 5))], four),
    make('MultiHeadAttention', multi, [rows(5), rows(5), rows(5)], four),
    make('MultiHeadAttention with biases', multi, [rows(5), rows(5), rows(5), reals(24), places(2, 5)], {
      ...four,
      mask_filter_value: -5000.5,
    }),
    make('MultiHeadAttention across', multi, [rows(3), rows(6), rows(6, 12), reals(28), lengths(4, 6)], four),
    make('MultiHeadAttention of heads apart', multi, [rows(3), fed(reals(2, 4, 6, 2)), fed(reals(2, 4, 6, 2))], {
      ...four,
      scale: 0.5,
    }),
    make('MultiHeadAttention one way, of few keys', multi, [rows(5), rows(3), rows(3)], { ...four, unidirectional: 1 }),
    make('MultiHeadAttention one way', multi, [rows(5), rows(5), rows(5), null, null, fed(reals(1, 4, 5, 5))], {
      ...four,
      unidirectional: 1,
    }),
  ];
}

function rotaryCases(): readonly FusedCase[] {
  const old = 'com.microsoft.RotaryEmbedding';
  const ids = (...dims: readonly number[]) => fed(wholes('int64', dims, 0, 8));
  const apart = () => fed(reals(2, 3, 5, 8));
  const flat = () => fed(reals(2, 5, 24));
  const ai = { opset: 23 };
  return [
    make('com.microsoft.RotaryEmbedding', old, [flat(), ids(2, 5), reals(9, 4), reals(9, 4)]),
    make(
      'com.microsoft.RotaryEmbedding from a place',
      old,
      [apart(), fed(ints('int64', [1], [3])), reals(9, 4), reals(9, 4)],
      {
        interleaved: 1,
      },
    ),
    make('com.microsoft.RotaryEmbedding in part', old, [flat(), ids(2, 5), reals(9, 2), reals(9, 2)], {
      num_heads: 3,
      rotary_embedding_dim: 4,
    }),
    make('RotaryEmbedding', 'RotaryEmbedding', [apart(), reals(2, 5, 4), reals(2, 5, 4)], {}, ai),
    make(
      'RotaryEmbedding at places',
      'RotaryEmbedding',
      [flat(), reals(9, 4), reals(9, 4), ids(2, 5)],
      { num_heads: 3 },
      ai,
    ),
    make(
      'RotaryEmbedding in part',
      'RotaryEmbedding',
      [apart(), reals(9, 2), reals(9, 2), ids(2, 5)],
      { rotary_embedding_dim: 4, interleaved: 1 },
      ai,
    ),
  ];
}

function productCases(): readonly FusedCase[] {
  const bits = 'com.microsoft.MatMulNBits';
  const sizes = { K: 40, N: 6, block_size: 16 };
  const conv = 'com.microsoft.FusedConv';
  const image = () => fed(reals(1, 3, 6, 6));
  const kernel = () => [reals(4, 3, 3, 3), reals(4)];
  return [
    make('FusedMatMul', 'com.microsoft.FusedMatMul', [fed(reals(2, 5, 3)), fed(reals(2, 4, 5))], {
      transA: 1,
      transB: 1,
      alpha: 0.375,
    }),
    make('FusedMatMul of weights', 'com.microsoft.FusedMatMul', [x(), reals(6, 8)], { transB: 1 }),
    make('FusedGemm', 'com.microsoft.FusedGemm', [fed(reals(3, 8)), reals(6, 8), reals(6)], {
      transB: 1,
      alpha: 1.5,
      activation: 'LeakyRelu',
      activation_alpha: 0.125,
    }),
    make('FusedGemm of another activation', 'com.microsoft.FusedGemm', [fed(reals(3, 8)), reals(8, 6)], {
      activation: 'Elu',
      activation_alpha: 0.375,
    }),
    make('FusedConv', conv, [image(), ...kernel(), fed(reals(1, 4, 6, 6))], { pads: [1, 1, 1, 1], activation: 'Relu' }),
    make('FusedConv that clips', conv, [image(), ...kernel()], { activation: 'Clip', activation_params: [-0.5, 0.75] }),
    make('FusedConv of a hard sigmoid', conv, [image(), ...kernel()], {
      activation: 'HardSigmoid',
      activation_params: [0.25, 0.375],
    }),
    make('MatMulNBits', bits, [fed(reals(2, 40)), bytes(6, 3, 8), reals(18)], { ...sizes, bits: 4 }),
    make('MatMulNBits with zero points', bits, [fed(reals(2, 40)), bytes(6, 3, 8), reals(18), bytes(12)], {
      ...sizes,
      bits: 4,
    }),
    make('MatMulNBits of bytes', bits, [fed(reals(3, 2, 40)), bytes(6, 3, 16), reals(18), bytes(18)], {
      ...sizes,
      bits: 8,
    }),
    make('MatMulNBits with a bias', bits, [fed(reals(2, 40)), bytes(6, 3, 8), reals(18), null, null, reals(6)], {
      ...sizes,
      bits: 4,
    }),
  ];
}

function quantizedCases(): readonly FusedCase[] {
  const q = (name: string) => `com.microsoft.${name}`;
  const image = () => fed(bytes(1, 3, 6, 6));
  const scale = () => real(0.01 + random.next() / 50);
  const one = () => [fed(bytes(2, 5, 8)), scale(), zero(120)];
  return [
    make('QuantizeLinear', q('QuantizeLinear'), [x(), scale(), zero(120)]),
    make('DequantizeLinear', q('DequantizeLinear'), one()),
    make('QLinearAdd', q('QLinearAdd'), [...one(), ...one(), scale(), zero(131)]),
    make('QLinearMul', q('QLinearMul'), [...one(), ...one(), scale(), zero(131)]),
    make('QLinearSigmoid', q('QLinearSigmoid'), [...one(), real(1 / 256), zero(0)]),
    make('QLinearLeakyRelu', q('QLinearLeakyRelu'), [...one(), scale(), zero(9)], { alpha: 0.25 }),
    make('QLinearSoftmax', q('QLinearSoftmax'), [...one(), real(1 / 256), zero(0)], { axis: -1, opset: 17 }),
    make('QLinearAveragePool', q('QLinearAveragePool'), [image(), scale(), zero(100), scale(), zero(100)], {
      kernel_shape: [2, 2],
      strides: [2, 2],
    }),
    make('QLinearGlobalAveragePool', q('QLinearGlobalAveragePool'), [image(), scale(), zero(100), scale(), zero(100)]),
    make('QLinearConcat', q('QLinearConcat'), [scale(), zero(100), ...one(), ...one()], { axis: 1 }),
    make('QGemm', q('QGemm'), [
      ...[fed(bytes(3, 8)), scale(), zero(120)],
      ...[signed(8, 6), scale(), ints('int8', [], [3])],
      wholes('int32', [6], -900, 900),
    ]),
    make(
      'QGemm to bytes',
      q('QGemm'),
      [
        ...[fed(bytes(3, 8)), scale(), zero(120)],
        ...[signed(6, 8), scale(), ints('int8', [], [3])],
        ...[wholes('int32', [6], -900, 900), real(0.04), zero(128)],
      ],
      { transB: 1 },
    ),
    make(
      'QGemm by columns, turned',
      q('QGemm'),
      [
        ...[fed(bytes(3, 8)), scale(), zero(120)],
        ...[signed(6, 8), new Tensor('float32', random.floats(6).map(Math.abs), [6]), wholes('int8', [6], -9, 9)],
        wholes('int32', [6], -900, 900),
      ],
      { transB: 1, alpha: 1.5 },
    ),
    make('DynamicQuantizeMatMul', q('DynamicQuantizeMatMul'), [
      x(),
      signed(8, 6),
      real(0.01),
      ints('int8', [], [3]),
      reals(6),
    ]),
    make('DynamicQuantizeMatMul by columns', q('DynamicQuantizeMatMul'), [x(), signed(8, 6), reals(6)]),
    make('MatMulIntegerToFloat', q('MatMulIntegerToFloat'), [
      ...[fed(bytes(3, 8)), signed(8, 6), scale(), scale()],
      ...[zero(120), ints('int8', [], [3]), reals(6)],
    ]),
  ];
}

/** In a fixed order, since every case takes its numbers from one generator. */
function groupCases(): readonly FusedCase[] {
  const group = 'com.microsoft.GroupQueryAttention';
  const rows = (length: number, width: number, batch = 2) => fed(reals(batch, length, width));
  const past = (length: number, batch = 2) => [0, 1].map(() => fed(reals(batch, 2, length, 16)));
  const total = (keys: number, batch = 2) => {
    const lasts = new Array<number>(batch).fill(keys - 1);
    return [fed(ints('int32', [batch], lasts)), fed(ints('int32', [], [keys]))];
  };
  const four = { num_heads: 4, kv_num_heads: 2 };
  const all = { outputs: ['y', 'keys', 'values'] };
  return [
    make('GroupQueryAttention', group, [rows(5, 64), rows(5, 32), rows(5, 32), ...past(0), ...total(5)], four, all),
    make(
      'GroupQueryAttention of one row behind a past',
      group,
      [rows(1, 64), rows(1, 32), rows(1, 32), ...past(6), ...total(7)],
      { ...four, scale: 0.3 },
      all,
    ),
    make(
      'GroupQueryAttention of packed rows that are turned',
      group,
      [rows(3, 128, 1), null, null, ...past(4, 1), ...total(7, 1), reals(9, 8), reals(9, 8)],
      { ...four, do_rotary: 1 },
      all,
    ),
    make(
      'GroupQueryAttention of rows that are turned in pairs',
      group,
      [rows(1, 64), rows(1, 32), rows(1, 32), ...past(3), ...total(4), reals(6, 8), reals(6, 8)],
      { ...four, do_rotary: 1, rotary_interleaved: 1 },
      all,
    ),
  ];
}

export const fusedCases: readonly FusedCase[] = [
  ...activationCases(),
  ...normCases(),
  ...attentionCases(),
  ...rotaryCases(),
  ...productCases(),
  ...quantizedCases(),
  ...groupCases(),
];
