/** Scores of quantised weights in plain f64: the slow truth beside assembly/statistics/dither.ts. */
import { normalQuantileOracle, upperTailOracle } from './distributions.js';

const mask = (1n << 64n) - 1n;

function mix64(x: bigint): bigint {
  let y = ((x ^ (x >> 32n)) * 0xd6e8feb86659fd93n) & mask;
  y = ((y ^ (y >> 29n)) * 0xa0761d6478bd642fn) & mask;
  return y ^ (y >> 32n);
}

/** Uniform on (0, 1) at (key, index): the top 52 of 64 mixed bits, and a half. */
export function uniformOracle(key: bigint, index: bigint): number {
  const bits = mix64((mix64((key + index * 0x9e3779b97f4a7c15n) & mask) + key) & mask);
  return (Number(bits >> 12n) + 0.5) / 2 ** 52;
}

/** A weight's cell [w - half, w + half], over the law's scale. */
export interface Cell {
  readonly w: number;
  readonly half: number;
}

/** The score, and how much it moves when the cell moves: dz / dw = density of the law over that of the score. */
export function ditheredOracle(
  family: Parameters<typeof upperTailOracle>[0],
  { w, half }: Cell,
  key: bigint,
  index: bigint,
): { readonly z: number; readonly slope: number } {
  const tail = (x: number) => (x >= 0 ? upperTailOracle(family, x) : 1 - upperTailOracle(family, -x));
  const side = w < 0 && -w >= half ? -1 : 1;
  const low = tail(side * w + half);
  const high = tail(side * w - half);
  const p = low + uniformOracle(key, index) * (high - low);
  const size = normalQuantileOracle(Math.log(Math.min(p, 1 - p)));
  const sign = p <= 0.5 ? side : -side;
  const density = Math.exp(-0.5 * size * size) / Math.sqrt(2 * Math.PI);
  return { z: sign * Math.min(38.5, size), slope: 1 / density };
}
