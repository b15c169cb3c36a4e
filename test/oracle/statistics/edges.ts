/** Plain references of assembly/statistics/edges.ts: one boolean an edge. */

/** Statistics of the sequences of a d-md-d block. */
export function sequenceSquares(d: number, m: number, up: ArrayLike<number>, down: ArrayLike<number>): number[] {
  return Array.from({ length: d * d }, (_, at) => {
    const [j, i] = [Math.floor(at / d), at % d];
    let sum = 0;
    for (let c = 0; c < m; c++) sum += up[(c * d + j) * d + i] ** 2;
    for (let c = 0; c < m; c++) sum += down[j * m * d + c * d + i] ** 2;
    return sum;
  });
}

/** Bits of flags [rows, columns], each row padded to whole words. */
export function packBits(flags: readonly boolean[], rows: number, columns: number): Uint32Array<ArrayBuffer> {
  const words = Math.ceil(columns / 32);
  const bits = new Uint32Array(rows * words);
  flags.forEach((flag, at) => {
    const [i, j] = [Math.floor(at / columns), at % columns];
    if (flag) bits[i * words + (j >> 5)] |= 1 << (j & 31);
  });
  return bits;
}
