/** Products with int8 weights: of rows that are rounded on the way, and of bytes that are quantised already. */
import { int8PanelLength } from '../panels.js';
import type { BoundParams, StepKind } from '../step-kind.js';
import { spanRegion } from './box.js';
import { gemm } from './linear.js';
import { integerWord, pointerWord, sizeOf, wordOf } from './params.js';

const inputs = ['float32', 'uint8', 'int8'] as const;
const bytes = ['uint8', 'int8'] as const;

/** Rows that are turned into integers together; as in assembly/linear/int8.ts. */
const blockRows = 64;

/** Outputs of a panel, and rows from which on one is widened in scratch; as there. */
const [panelOutputs, wideRows] = [16, 4];

const isReal = ({ dtype }: BoundParams) => dtype === inputs[0];

const count = (params: BoundParams) => sizeOf(params, 'M') * sizeOf(params, 'N');

/** Inputs of a row of both sources. */
const depthOf = (params: BoundParams) => sizeOf(params, 'K') + sizeOf(params, 'R', 0);

const mismatch = (...dtypes: unknown[]) => `dtypes differ: got ${dtypes.join()}`;

/**
 * y = clamp([x, z] W^T + bias, lo, hi), x [M, K], z [M, R], y [M, N] with row strides ldx, ldz, ldy; W [N, K + R] is int8
 * with a scale for each output. Each row of inputs is rounded to as many bits as keep sums of K + R products inside
 * 32 bits, at most 16, so the sums are exact; see assembly/linear/int8.ts. Params are those of `gemm`, but for batches.
 *
 * Where x is of bytes: y = (x - z) W^T, int32 modulo 2^32, z a single byte and W the panels' weights, each output's plus
 * the whole number in the place of its bias.
 */
export const gemmInt8: StepKind = {
  ...gemm,
  opcode: 17,
  reads: [
    { name: 'x', dtypes: inputs },
    { name: 'panels', dtypes: ['int8'], layout: 'panels-int8' },
    { name: 'z', dtypes: inputs, optional: true },
  ],
  writes: [{ name: 'y', dtypes: ['float32', 'int32'] }],
  params: { ...gemm.params, dtype: { type: 'word', words: inputs } },
  dtypeProblem(params, [x, , z, y]) {
    const hasReals = isReal(params);
    const isPlain = (hasReals || !params['R']) && !('batches' in params);
    const fits = x === params['dtype'] && (z ?? x) === x && y === (hasReals ? x : 'int32') && isPlain;
    return fits ? null : mismatch(x, z, y);
  },
  regions(params) {
    const own = [
      spanRegion(1, sizeOf(params, 'M') && int8PanelLength(sizeOf(params, 'N'), depthOf(params))),
      ...(isReal(params) ? [] : [spanRegion(2, Math.min(1, count(params)))]),
    ];
    return gemm.regions(params).map((region) => own.find(({ operand }) => operand === region.operand) ?? region);
  },
  /** For each row of a block a word, and its inputs as int16; a panel as int16. */
  scratchBytes(params) {
    const [M, depth] = [sizeOf(params, 'M'), depthOf(params)];
    const rowBytes = 2 * (depth + (depth % 2));
    const bytes = Math.min(M, blockRows) * (4 + rowBytes) + (M < wideRows ? 0 : panelOutputs * rowBytes);
    return count(params) && Math.ceil(bytes / 8) * 8;
  },
  needsScratch: true,
  encode(params, pointers, scratchPtr) {
    return [...gemm.encode(params, pointers, scratchPtr), wordOf(params, 'dtype', inputs)];
  },
};

const size = { type: 'size' } as const;

/**
 * y = saturate(round(x scale) + zero), bytes: x [M, N] int32 and y [M, N] without gaps, scale [N] float64, zero a single
 * byte.
 */
export const requantize: StepKind = {
  opcode: 18,
  reads: [
    { name: 'x', dtypes: ['int32'] },
    { name: 'scale', dtypes: ['float64'] },
    { name: 'zero', dtypes: bytes },
  ],
  writes: [{ name: 'y', dtypes: bytes }],
  params: { dtype: { type: 'word', words: bytes }, M: size, N: size },
  work: count,
  dtypeProblem: ({ dtype }, [, , zero, y]) => (zero === dtype && y === dtype ? null : mismatch(zero, y)),
  regions(params) {
    const scales = sizeOf(params, 'M') && sizeOf(params, 'N');
    return [count(params), scales, 1, count(params)].map((length, operand) => spanRegion(operand, length));
  },
  encode(params, pointers) {
    const sizes = [sizeOf(params, 'M'), sizeOf(params, 'N')];
    return [...pointers.map(pointerWord), wordOf(params, 'dtype', bytes), ...sizes.map(integerWord)];
  },
};
