/** Linear layers: the product with packed panels. */
import { panelLength } from '../panels.js';
import type { StepKind } from '../step-kind.js';
import { boxRegion } from './box.js';
import { integerWord, pointerWord, realOf, realWord, sizeOf } from './params.js';

const float32 = ['float32'] as const;

/**
 * Multiply-adds below which looking for zeros costs more than 3 % where there are none, and outputs below which listing
 * an input costs about as much as multiplying it.
 */
const skipWork = 65_536;
const skipOutputs = 9;

/** Rows that are listed together, and inputs that a list has room for, in rows; as in assembly/linear/sparse-input.ts. */
const listedRows = 64;
const listLength = 4;

function gemmSizes(params: Parameters<StepKind['work']>[0]) {
  const [M, N, K, R] = [sizeOf(params, 'M'), sizeOf(params, 'N'), sizeOf(params, 'K'), sizeOf(params, 'R', 0)];
  return {
    M,
    N,
    K,
    R,
    ldx: sizeOf(params, 'ldx', K),
    ldz: sizeOf(params, 'ldz', R),
    ldy: sizeOf(params, 'ldy', N),
    batches: sizeOf(params, 'batches', 1),
    strideX: sizeOf(params, 'strideX', 0),
    stridePanels: sizeOf(params, 'stridePanels', 0),
    strideZ: sizeOf(params, 'strideZ', 0),
    strideY: sizeOf(params, 'strideY', 0),
  };
}

/**
 * y[b] = clamp(x[b] W[b]^T + z[b] U[b]^T + bias[b], lo, hi), x [M, K], z [M, R], y [M, N] with row strides ldx, ldz, ldy.
 * Panels hold [W | U], an [N, K + R] layer; R = 0 has no z. Batch b is reached by strides, 0 for shared operands.
 * With scratch the terms of zero inputs are left out where that is faster; no bit of y changes, see zero-skipping.ts.
 */
export const gemm: StepKind = {
  opcode: 1,
  reads: [
    { name: 'x', dtypes: float32 },
    { name: 'panels', dtypes: float32, layout: 'panels' },
    { name: 'z', dtypes: float32, optional: true },
  ],
  writes: [{ name: 'y', dtypes: float32 }],
  params: {
    M: { type: 'size' },
    N: { type: 'size' },
    K: { type: 'size' },
    R: { type: 'size', optional: true },
    ldx: { type: 'size', optional: true },
    ldz: { type: 'size', optional: true },
    ldy: { type: 'size', optional: true },
    lo: { type: 'real', optional: true },
    hi: { type: 'real', optional: true },
    batches: { type: 'size', optional: true },
    strideX: { type: 'size', optional: true },
    stridePanels: { type: 'size', optional: true },
    strideZ: { type: 'size', optional: true },
    strideY: { type: 'size', optional: true },
  },
  work(params) {
    const { batches, M, N, K, R } = gemmSizes(params);
    return batches * M * N * Math.max(1, K + R);
  },
  regions(params) {
    const s = gemmSizes(params);
    const panels = s.M === 0 ? 0 : panelLength(s.N, s.K + s.R);
    const rows = s.N === 0 ? 0 : s.M;
    return [
      boxRegion(0, [s.batches, rows, s.K], [s.strideX, s.ldx, 1]),
      boxRegion(1, [s.batches, panels], [s.stridePanels, 1]),
      boxRegion(2, [s.batches, rows, s.R], [s.strideZ, s.ldz, 1]),
      boxRegion(3, [s.batches, s.M, s.N], [s.strideY, s.ldy, 1]),
    ];
  },
  scratchBytes(params) {
    const { M, N, K, R, batches } = gemmSizes(params);
    if (batches !== 1 || N < skipOutputs || M * N * (K + R) < skipWork) return 0;
    return 4 * listedRows + 8 * (K + R) * Math.min(M, listLength);
  },
  encode(params, [x, panels, z, y], scratchPtr = 0) {
    const s = gemmSizes(params);
    return [
      ...[x, panels, z, y].map(pointerWord),
      ...[s.M, s.N, s.K, s.R, s.ldx, s.ldz, s.ldy].map(integerWord),
      realWord(realOf(params, 'lo', Number.NEGATIVE_INFINITY)),
      realWord(realOf(params, 'hi', Number.POSITIVE_INFINITY)),
      ...[s.batches, s.strideX, s.stridePanels, s.strideZ, s.strideY].map(integerWord),
      pointerWord(scratchPtr),
    ];
  },
};
