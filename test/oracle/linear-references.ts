/** References of the linear steps. The order of the sums is part of the contract, so they are exact. */
import { int8PanelLength, panelLength, panelWidth } from '../../src/runtime/panels.js';
import type { BoundParams } from '../../src/runtime/step-kind.js';
import { boxIndices, exactly, type Read, type Reference } from './expectation.js';
import { int8Output, nearest, quantizeInputs } from './int8.js';

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

/** Panels of int8 weights taken apart: w [N, depth], and the two words of each output. */
function readInt8Panels(N: number, depth: number, read: Read) {
  const bytes = Uint8Array.from({ length: int8PanelLength(N, depth) }, (_, i) => Number(read(1, i)) & 255);
  const view = new DataView(bytes.buffer);
  const rowBytes = 8 + depth + (depth % 2);
  const placeOf = (n: number) => ({ at: 16 * Math.floor(n / 16) * rowBytes, width: panelWidth(N, Math.floor(n / 16)) });
  const word = (n: number, which: number) => {
    const { at, width } = placeOf(n);
    return at + 4 * (which * width + (n % 16));
  };
  const weight = (n: number, k: number) => {
    const { at, width } = placeOf(n);
    return view.getInt8(at + 8 * width + (k - (k % 2)) * width + 2 * (n % 16) + (k % 2));
  };
  return { view, word, weight };
}

const gemmInt8: Reference = (params, read, isPresent) => {
  const p = sizes(params);
  if (params['dtype'] !== 'float32') return gemmOfBytes(params, read, isPresent);
  const depth = p.K + p.R;
  if (p.M === 0 || p.N === 0) return [];
  const { view, word, weight } = readInt8Panels(p.N, depth, read);
  const outputs = Array.from({ length: p.N }, (_, n) => n);
  const layer = {
    ...(p as unknown as Parameters<typeof int8Output>[0]),
    w: Int8Array.from(outputs.flatMap((n) => Array.from({ length: depth }, (_, k) => weight(n, k)))),
    bias: Float32Array.from(outputs, (n) => view.getFloat32(word(n, 0), true)),
    scale: Float32Array.from(outputs, (n) => view.getFloat32(word(n, 1), true)),
  };
  return Array.from({ length: p.M }, (_, m) => {
    const x = Array.from({ length: p.K }, (_, k) => Number(read(0, m * p.ldx + k)));
    const z = Array.from({ length: p.R }, (_, r) => Number(read(2, m * p.ldz + r)));
    const { q, scale } = quantizeInputs([...x, ...z]);
    return outputs.map((n) => exactly(m * p.ldy + n, int8Output(layer, q, scale, n)));
  }).flat();
};

const gemmOfBytes: Reference = (params, read, isPresent) => {
  const p = sizes(params);
  if (p.M === 0 || p.N === 0) return [];
  const zero = isPresent(2) ? Number(read(2, 0)) : 0;
  const { view, word, weight } = readInt8Panels(p.N, p.K, read);
  return [...boxIndices([p.M, p.N])].map(([m, n]) => {
    let sum = 0n;
    const add = BigInt(view.getInt32(word(n, 0), true));
    for (let k = 0; k < p.K; k++) sum += (BigInt(read(0, m * p.K + k)) - BigInt(zero)) * (BigInt(weight(n, k)) + add);
    return exactly(m * p.N + n, Number(BigInt.asIntN(32, sum)));
  });
};

const requantize: Reference = (params, read) => {
  const { M, N } = sizes(params);
  const [least, most] = params['dtype'] === 'int8' ? [-128, 127] : [0, 255];
  const zero = Number(read(2, 0));
  return [...boxIndices([M, N])].map(([m, n]) => {
    const scaled = nearest(fround(Number(read(0, m * N + n)) * Number(read(1, n))));
    return exactly(m * N + n, Math.min(Math.max(Number.isNaN(scaled) ? 0 : scaled + zero, least), most));
  });
};

export const linearReferences: readonly (readonly [string, Reference])[] = [
  ['gemm', gemm],
  ['pack', pack],
  ['gemm-int8', gemmInt8],
  ['requantize', requantize],
];
