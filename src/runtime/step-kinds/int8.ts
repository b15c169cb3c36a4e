/** Products with int8 weights: of rows that are rounded on the way, and of matrices that are quantised already. */
import { int8PanelLength } from '../panels.js';
import type { StepKind } from '../step-kind.js';
import { boxRegion } from './box.js';
import { integerWord, pointerWord, realOf, realWord, sizeOf, wordOf } from './params.js';

type Params = Parameters<StepKind['work']>[0];

const float32 = ['float32'] as const;
const panels = { name: 'panels', dtypes: ['int8'], layout: 'panels-int8' } as const;

/** Rows that are turned into integers together; as in assembly/linear/int8.ts. */
const blockRows = 64;

function sizesOf(params: Params) {
  const [M, N, K, R] = [sizeOf(params, 'M'), sizeOf(params, 'N'), sizeOf(params, 'K'), sizeOf(params, 'R', 0)];
  const [ldx, ldz, ldy] = [sizeOf(params, 'ldx', K), sizeOf(params, 'ldz', R), sizeOf(params, 'ldy', N)];
  return { M, N, K, R, ldx, ldz, ldy };
}

/** For each row of a block a word, and its inputs as int16. */
function scratchBytes(params: Params): number {
  const { M, N, K, R } = sizesOf(params);
  const rowBytes = 4 + 2 * (K + R + ((K + R) % 2));
  return N === 0 ? 0 : Math.ceil((Math.min(M, blockRows) * rowBytes) / 8) * 8;
}

/** What both kinds touch: rows of x and z, the panels, rows of y. */
function regions(params: Params) {
  const { M, N, K, R, ldx, ldz, ldy } = sizesOf(params);
  const rows = N === 0 ? 0 : M;
  return [
    boxRegion(0, [rows, K], [ldx, 1]),
    boxRegion(1, [M === 0 ? 0 : int8PanelLength(N, K + R)], [1]),
    boxRegion(2, [rows, R], [ldz, 1]),
    boxRegion(3, [M, N], [ldy, 1]),
  ];
}

function work(params: Params): number {
  const { M, N, K, R } = sizesOf(params);
  return M * N * Math.max(1, K + R);
}

const size = { type: 'size' } as const;
const optionalSize = { type: 'size', optional: true } as const;

/**
 * y = clamp([x, z] W^T + bias, lo, hi), x [M, K], z [M, R], y [M, N] with row strides ldx, ldz, ldy; W [N, K + R] is int8
 * with a scale for each output. Each row of inputs is rounded to as many bits as keep sums of K + R products inside
 * 32 bits, at most 16, so the sums are exact; see assembly/linear/int8.ts.
 */
export const gemmInt8: StepKind = {
  opcode: 17,
  reads: [{ name: 'x', dtypes: float32 }, panels, { name: 'z', dtypes: float32, optional: true }],
  writes: [{ name: 'y', dtypes: float32 }],
  params: {
    M: size,
    N: size,
    K: size,
    R: optionalSize,
    ldx: optionalSize,
    ldz: optionalSize,
    ldy: optionalSize,
    lo: { type: 'real', optional: true },
    hi: { type: 'real', optional: true },
  },
  work,
  regions,
  scratchBytes,
  needsScratch: true,
  encode(params, [x, panelPtr, z, y], scratchPtr = 0) {
    const s = sizesOf(params);
    return [
      ...[x, panelPtr, z, y].map(pointerWord),
      ...[s.M, s.N, s.K, s.R, s.ldx, s.ldz, s.ldy].map(integerWord),
      realWord(realOf(params, 'lo', Number.NEGATIVE_INFINITY)),
      realWord(realOf(params, 'hi', Number.POSITIVE_INFINITY)),
      pointerWord(scratchPtr),
    ];
  },
};

const bytes = ['uint8', 'int8'] as const;

/**
 * y = (x - zero) W^T, int32 modulo 2^32: x [M, K] and y [M, N] without gaps, zero a single byte, W [N, K] the panels'
 * int8 weights, each output's plus the whole number in the place of its bias.
 */
export const matMulInteger: StepKind = {
  opcode: 18,
  reads: [{ name: 'x', dtypes: bytes }, panels, { name: 'zero', dtypes: bytes, optional: true }],
  writes: [{ name: 'y', dtypes: ['int32'] }],
  params: { dtype: { type: 'word', words: bytes }, M: size, N: size, K: size },
  work,
  regions: (params) => regions(params).map((region) => (region.operand === 2 ? boxRegion(2, [1], [1]) : region)),
  dtypeProblem({ dtype }, [x, , zero]) {
    const wrong = [x, zero].find((its) => its !== undefined && its !== dtype);
    return wrong ? `dtypes differ: got ${wrong}, expected ${String(dtype)}` : null;
  },
  scratchBytes,
  needsScratch: true,
  encode(params, [x, panelPtr, zero, y], scratchPtr = 0) {
    const { M, N, K } = sizesOf(params);
    return [
      ...[x, panelPtr, zero, y].map(pointerWord),
      ...[wordOf(params, 'dtype', bytes), M, N, K].map(integerWord),
      pointerWord(scratchPtr),
    ];
  },
};
