/** References of the linear steps. The order of the sums is part of the contract, so they are exact. */
import { panelLength, panelWidth } from '../../src/runtime/panels.js';
import type { BoundParams } from '../../src/runtime/step-kind.js';
import { boxIndices, exactly, type Read, type Reference } from './expectation.js';

const { fround } = Math;

function sizes(params: BoundParams) {
  return params as Record<string, number>;
}

/** Weight of output n in row `row` of the panels (0 is the bias) of an [N, depth] layer. */
export function panelIndex(N: number, depth: number, n: number, row: number): number {
  const panel = Math.floor(n / 16);
  return panel * 16 * (depth + 1) + row * panelWidth(N, panel) + (n % 16);
}

function gemmElement(p: Record<string, number>, read: Read, b: number, m: number, n: number): number {
  const depth = p.K + p.R;
  const weight = (row: number) => read(1, b * p.stridePanels + panelIndex(p.N, depth, n, row)) as number;
  let sum = weight(0);
  for (let k = 0; k < p.K; k++) {
    sum = fround(sum + fround((read(0, b * p.strideX + m * p.ldx + k) as number) * weight(1 + k)));
  }
  for (let r = 0; r < p.R; r++) {
    sum = fround(sum + fround((read(2, b * p.strideZ + m * p.ldz + r) as number) * weight(1 + p.K + r)));
  }
  return Math.min(Math.max(sum, p.lo), p.hi);
}

const gemm: Reference = (params, read) => {
  const p = sizes(params);
  // Kernels load whole panel rows: the pad columns are read too, and change nothing.
  const panels = p.M === 0 ? 0 : panelLength(p.N, p.K + p.R);
  for (const [b, i] of boxIndices([p.batches, panels])) read(1, b * p.stridePanels + i);
  return [...boxIndices([p.batches, p.M, p.N])].map(([b, m, n]) =>
    exactly(b * p.strideY + m * p.ldy + n, gemmElement(p, read, b, m, n)),
  );
};

const pack: Reference = (params, read, isPresent) => {
  const p = sizes(params);
  const panels = Array.from({ length: p.batches }, (_, b) => {
    const data = new Float32Array(panelLength(p.N, p.K));
    for (let n = 0; n < p.N; n++) {
      // + 0: a bias of -0 is stored as +0.
      if (isPresent(1)) data[panelIndex(p.N, p.K, n, 0)] = (read(1, b * p.strideBias + n * p.biasStride) as number) + 0;
      for (let k = 0; k < p.K; k++) {
        data[panelIndex(p.N, p.K, n, 1 + k)] = read(0, b * p.strideB + n * p.strideN + k * p.strideK) as number;
      }
    }
    return [...data].map((value, i) => exactly(b * p.stridePanels + i, value));
  });
  return panels.flat();
};

export const linearReferences: readonly (readonly [string, Reference])[] = [
  ['gemm', gemm],
  ['pack', pack],
];
