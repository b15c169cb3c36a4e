/** References of the steps that move, convert and fill: exact, but for the sums of embedding bags. */
import { boxIndices, dot, exactly, gamma, type Reference, within } from './expectation.js';

const copy: Reference = (params, read) => {
  const [srcStrides, dstStrides] = [params.srcStrides as number[], params.dstStrides as number[]];
  return [...boxIndices(params.dims as number[])].map((index) =>
    exactly(dot(index, dstStrides), read(0, dot(index, srcStrides))),
  );
};

const gatherColumns: Reference = (params, read) => {
  const { M, N, ldx, ldy } = params as Record<string, number>;
  return [...boxIndices([M, N])].map(([m, j]) => exactly(m * ldy + j, read(0, m * ldx + Number(read(1, j)))));
};

const gather: Reference = (params, read) => {
  const { outer, axis, inner, count } = params as Record<string, number>;
  return [...boxIndices([outer, count, inner])].map(([o, j, i]) => {
    const index = Number(read(1, j));
    const k = index < 0 ? index + axis : index;
    return exactly((o * count + j) * inner + i, read(0, (o * axis + k) * inner + i));
  });
};

const embeddingBag: Reference = (params, read, isPresent) => {
  const { M, L, D, ldy } = params as Record<string, number>;
  return [...boxIndices([M, D])].map(([m, d]) => {
    const ids = Array.from({ length: L }, (_, l) => Number(read(0, m * L + l))).filter((id) => id >= 0);
    const scale = params.mode === 'mean' ? Math.max(1, ids.length) : 1;
    const rows = ids.map((id) => (read(1, id * D + d) as number) / scale);
    const bias = isPresent(2) ? (read(2, d) as number) : 0;
    const value = rows.reduce((sum, row) => sum + row, bias);
    const magnitude = rows.reduce((sum, row) => sum + Math.abs(row), Math.abs(bias));
    return within(m * ldy + d, value, gamma(ids.length + 2) * magnitude);
  });
};

const integerBits: Record<string, [bits: number, isSigned: boolean]> = {
  int32: [32, true],
  uint8: [8, false],
  int8: [8, true],
  int64: [64, true],
};

function wrap(value: bigint, bits: number, isSigned: boolean): bigint {
  return isSigned ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

/** Truncates and saturates a real; NaN is 0. */
function saturate(value: number, bits: number, isSigned: boolean): bigint {
  const low = isSigned ? -(2n ** BigInt(bits - 1)) : 0n;
  const high = isSigned ? 2n ** BigInt(bits - 1) - 1n : 2n ** BigInt(bits) - 1n;
  if (Number.isNaN(value)) return 0n;
  if (value <= Number(low)) return low;
  return value >= Number(high) ? high : BigInt(Math.trunc(value));
}

/** One element cast to another dtype, as the array of that dtype holds it. */
export function castElement(from: string, to: string, x: number | bigint): number | bigint {
  const source = from === 'bool' ? Number(x !== 0) : x;
  if (to === 'bool') return Number(Number(source) !== 0);
  if (to === 'float64') return Number(source);
  // A bigint is rounded once: its float64 form is not exact, but AssemblyScript converts it directly.
  if (to === 'float32') return typeof source === 'bigint' ? roundToFloat32(source) : Math.fround(source);
  const [bits, isSigned] = integerBits[to];
  const isReal = from === 'float32' || from === 'float64';
  const value = isReal ? saturate(source as number, bits, isSigned) : wrap(BigInt(source), bits, isSigned);
  return to === 'int64' ? value : Number(value);
}

/** The float32 nearest to an integer, half to even. */
function roundToFloat32(value: bigint): number {
  const magnitude = value < 0n ? -value : value;
  const excess = BigInt(Math.max(0, magnitude.toString(2).length - 24));
  const unit = 1n << excess;
  let quotient = magnitude / unit;
  const twice = 2n * (magnitude % unit);
  if (twice > unit || (twice === unit && quotient % 2n === 1n)) quotient += 1n;
  return Number(value < 0n ? -(quotient * unit) : quotient * unit);
}

const cast: Reference = (params, read) => {
  const { from, to, count } = params as { from: string; to: string; count: number };
  return Array.from({ length: count }, (_, i) => exactly(i, castElement(from, to, read(0, i))));
};

const fill: Reference = ({ count, value, bits }) => {
  const element = bits === undefined ? Math.fround(value as number) : (bits as number);
  return Array.from({ length: count as number }, (_, i) => exactly(i, element));
};

export const moveReferences: readonly (readonly [string, Reference])[] = [
  ['copy', copy],
  ['gather-columns', gatherColumns],
  ['gather', gather],
  ['embedding-bag', embeddingBag],
  ['cast', cast],
  ['fill', fill],
];
