/**
 * Edges of a Boolean adjacency: which dependencies a test supports, one bit each.
 *
 *     row i: | word 0: columns 0..31, column 0 in bit 0 | word 1 | .. | word ceil(N / 32) - 1, unused bits 0 |     u32
 */

function wordsOf(N: usize): usize {
  return (N + 31) >> 5;
}

/**
 * Marks scores of large size: bit (i, j) = |z[i, j]| >= cut.
 * @param zPtr  z [M, N], f32
 * @param bitsPtr  u32 [M, ceil(N / 32)], overwritten
 * @returns number of bits set
 */
export function f32_mark_beyond(M: usize, N: usize, zPtr: usize, cut: f64, bitsPtr: usize): f64 {
  const bound = <f32>cut;
  let count: u32 = 0;
  for (let i: usize = 0; i < M; i++) {
    for (let first: usize = 0; first < N; first += 32, bitsPtr += 4) {
      const width = min<usize>(32, N - first);
      let word: u32 = 0;
      for (let b: usize = 0; b < width; b++, zPtr += 4) word |= (<u32>(abs(load<f32>(zPtr)) >= bound)) << (<u32>b);
      store<u32>(bitsPtr, word);
      count += popcnt(word);
    }
  }
  return <f64>count;
}

/** The same for statistics: bit (i, j) = x[i, j] >= cut; x [M, N], f64. */
export function f64_mark_above(M: usize, N: usize, xPtr: usize, cut: f64, bitsPtr: usize): f64 {
  let count: u32 = 0;
  for (let i: usize = 0; i < M; i++) {
    for (let first: usize = 0; first < N; first += 32, bitsPtr += 4) {
      const width = min<usize>(32, N - first);
      let word: u32 = 0;
      for (let b: usize = 0; b < width; b++, xPtr += 8) word |= (<u32>(load<f64>(xPtr) >= cut)) << (<u32>b);
      store<u32>(bitsPtr, word);
      count += popcnt(word);
    }
  }
  return <f64>count;
}

/** How many of n f64 are at least `cut`. */
export function f64_count_above(n: usize, xPtr: usize, cut: f64): f64 {
  let count: u32 = 0;
  const end = xPtr + (n << 3);
  for (; xPtr < end; xPtr += 8) count += <u32>(load<f64>(xPtr) >= cut);
  return <f64>count;
}

/**
 * Scores of change: z = size where |w - w0| > tolerance, else 0.
 * @param wPtr, initialPtr  [n], f32
 * @param zPtr  [n], f32; may be wPtr
 */
export function f32_difference_scores(
  n: usize,
  wPtr: usize,
  initialPtr: usize,
  tolerance: f32,
  size: f32,
  zPtr: usize,
): void {
  for (let at: usize = 0; at < n << 2; at += 4) {
    const isChanged = abs(load<f32>(wPtr + at) - load<f32>(initialPtr + at)) > tolerance;
    store<f32>(zPtr + at, isChanged ? size : 0);
  }
}

/**
 * Statistics of the sequences of a d-md-d block: the 2m values that belong to the edge from input i to output j,
 *
 *     out[j, i] = sum over c of up[c d + j, i]^2 + down[j, c d + i]^2          c = 0 .. m-1 ascending, up first
 *
 * @param d  width outside the block
 * @param m  channels: the block is m d wide inside
 * @param upPtr  scores of the first matrix [m d, d], f32
 * @param downPtr  scores of the second matrix [d, m d], f32
 * @param outPtr  [d, d], f64
 */
export function f32_sequence_squares(d: usize, m: usize, upPtr: usize, downPtr: usize, outPtr: usize): void {
  for (let j: usize = 0; j < d; j++) {
    for (let i: usize = 0; i < d; i++, outPtr += 8) {
      let sum: f64 = 0;
      for (let c: usize = 0; c < m; c++) {
        const up = <f64>load<f32>(upPtr + (((c * d + j) * d + i) << 2));
        sum += up * up;
      }
      for (let c: usize = 0; c < m; c++) {
        const down = <f64>load<f32>(downPtr + ((j * m * d + c * d + i) << 2));
        sum += down * down;
      }
      store<f64>(outPtr, sum);
    }
  }
}

/** The marks of a block as marks of its two matrices: of the first [m d, d], and of the second [d, m d]. */
export function mark_sequences(d: usize, m: usize, bitsPtr: usize, upBitsPtr: usize, downBitsPtr: usize): void {
  const words = wordsOf(d);
  const downWords = wordsOf(m * d);
  memory.fill(downBitsPtr, 0, (d * downWords) << 2);
  for (let c: usize = 0; c < m; c++) memory.copy(upBitsPtr + ((c * d * words) << 2), bitsPtr, (d * words) << 2);
  for (let j: usize = 0; j < d; j++) {
    for (let i: usize = 0; i < d; i++) {
      if (!((load<u32>(bitsPtr + ((j * words + (i >> 5)) << 2)) >> <u32>(i & 31)) & 1)) continue;
      for (let c: usize = 0; c < m; c++) {
        const column = c * d + i;
        const at = downBitsPtr + ((j * downWords + (column >> 5)) << 2);
        store<u32>(at, load<u32>(at) | ((<u32>1) << (<u32>(column & 31))));
      }
    }
  }
}

/**
 * Anneals weights in place: what has no mark becomes 0, or its initial value.
 * @param wPtr  w [M, N], f32
 * @param initialPtr  [M, N], f32; 0 for zeros
 */
export function f32_keep_marked(M: usize, N: usize, wPtr: usize, bitsPtr: usize, initialPtr: usize): void {
  const shift = initialPtr - wPtr;
  for (let i: usize = 0; i < M; i++) {
    for (let first: usize = 0; first < N; first += 32, bitsPtr += 4) {
      const width = min<usize>(32, N - first);
      const word = load<u32>(bitsPtr);
      for (let b: usize = 0; b < width; b++, wPtr += 4) {
        if ((word >> <u32>b) & 1) continue;
        store<f32>(wPtr, initialPtr ? load<f32>(wPtr + shift) : 0);
      }
    }
  }
}

/**
 * Counts marks by row and by column.
 * @param rowPtr  i32 [M], overwritten
 * @param columnPtr  i32 [N], overwritten
 */
export function mark_degrees(M: usize, N: usize, bitsPtr: usize, rowPtr: usize, columnPtr: usize): void {
  memory.fill(columnPtr, 0, N << 2);
  const words = wordsOf(N);
  for (let i: usize = 0; i < M; i++) {
    let count: i32 = 0;
    for (let w: usize = 0; w < words; w++, bitsPtr += 4) {
      let word = load<u32>(bitsPtr);
      count += <i32>popcnt(word);
      for (; word; word &= word - 1) {
        const at = columnPtr + (((w << 5) + <usize>ctz(word)) << 2);
        store<i32>(at, load<i32>(at) + 1);
      }
    }
    store<i32>(rowPtr + (i << 2), count);
  }
}

/**
 * Lists the rows that each column is marked in, ascending.
 * @param nextPtr  i32 [N]: where each column's list begins in `targets`; where it ends afterwards
 * @param targetsPtr  i32: rows, plus `base`
 */
export function mark_targets(M: usize, N: usize, bitsPtr: usize, base: i32, nextPtr: usize, targetsPtr: usize): void {
  const words = wordsOf(N);
  for (let i: usize = 0; i < M; i++) {
    for (let w: usize = 0; w < words; w++, bitsPtr += 4) {
      for (let word = load<u32>(bitsPtr); word; word &= word - 1) {
        const at = nextPtr + (((w << 5) + <usize>ctz(word)) << 2);
        const next = load<i32>(at);
        store<i32>(targetsPtr + ((<usize>next) << 2), base + <i32>i);
        store<i32>(at, next + 1);
      }
    }
  }
}

/** How many bits two lists of n words have in common. */
export function mark_overlap(n: usize, aPtr: usize, bPtr: usize): f64 {
  let count: u32 = 0;
  for (let at: usize = 0; at < n << 2; at += 4) count += popcnt(load<u32>(aPtr + at) & load<u32>(bPtr + at));
  return <f64>count;
}
