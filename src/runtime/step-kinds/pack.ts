/** The packing of an operand of a product that is computed at run time. */
import { panelLength } from '../panels.js';
import type { StepKind } from '../step-kind.js';
import { boxRegion } from './box.js';
import { integerWord, pointerWord, sizeOf } from './params.js';

const float32 = ['float32'] as const;

function packSizes(params: Parameters<StepKind['work']>[0]) {
  return {
    N: sizeOf(params, 'N'),
    K: sizeOf(params, 'K'),
    strideN: sizeOf(params, 'strideN'),
    strideK: sizeOf(params, 'strideK'),
    biasStride: sizeOf(params, 'biasStride', 1),
    batches: sizeOf(params, 'batches', 1),
    strideB: sizeOf(params, 'strideB', 0),
    strideBias: sizeOf(params, 'strideBias', 0),
    stridePanels: sizeOf(params, 'stridePanels', 0),
  };
}

/**
 * Packs the [N, K] matrix w(n, k) = B[n * strideN + k * strideK] and its bias (zeros if absent) into panels.
 * The pad columns of the last panel are written too, as zeros.
 */
export const pack: StepKind = {
  opcode: 2,
  reads: [
    { name: 'B', dtypes: float32 },
    { name: 'bias', dtypes: float32, optional: true },
  ],
  writes: [{ name: 'panels', dtypes: float32, layout: 'panels' }],
  params: {
    N: { type: 'size' },
    K: { type: 'size' },
    strideN: { type: 'size' },
    strideK: { type: 'size' },
    biasStride: { type: 'size', optional: true },
    batches: { type: 'size', optional: true },
    strideB: { type: 'size', optional: true },
    strideBias: { type: 'size', optional: true },
    stridePanels: { type: 'size', optional: true },
  },
  work(params) {
    const { batches, N, K } = packSizes(params);
    return batches * N * (K + 1);
  },
  regions(params) {
    const s = packSizes(params);
    return [
      boxRegion(0, [s.batches, s.N, s.K], [s.strideB, s.strideN, s.strideK]),
      boxRegion(1, [s.batches, s.N], [s.strideBias, s.biasStride]),
      boxRegion(2, [s.batches, panelLength(s.N, s.K)], [s.stridePanels, 1]),
    ];
  },
  encode(params, [b, bias, panels]) {
    const s = packSizes(params);
    return [
      ...[b, bias, panels].map(pointerWord),
      ...[s.N, s.K, s.strideN, s.strideK, s.biasStride].map(integerWord),
      ...[s.batches, s.strideB, s.strideBias, s.stridePanels].map(integerWord),
    ];
  },
};
