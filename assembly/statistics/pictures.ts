/** Pictures of a matrix of scores: how its p-values spread, and where the supported weights lie. */

/**
 * Histogram of two-sided p-values of scores: bin b counts p = 2 Phi(-|z|) in (b / bins, (b + 1) / bins].
 * @param n  scores
 * @param zPtr  z [n], f32
 * @param bins  2..
 * @param cutsPtr  f32 [bins - 1], descending: |z| of p = 1 / bins, 2 / bins, ..
 * @param countPtr  u32 [bins], overwritten
 * @complexity O(n log bins)
 */
export function f32_p_value_histogram(n: usize, zPtr: usize, bins: u32, cutsPtr: usize, countPtr: usize): void {
  memory.fill(countPtr, 0, (<usize>bins) << 2);
  const end = zPtr + (n << 2);
  for (; zPtr < end; zPtr += 4) {
    const size = abs(load<f32>(zPtr));
    let low: u32 = 0;
    let high: u32 = bins - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (size >= load<f32>(cutsPtr + ((<usize>middle) << 2))) high = middle;
      else low = middle + 1;
    }
    const count = countPtr + ((<usize>low) << 2);
    store<u32>(count, load<u32>(count) + 1);
  }
}

/** Name of a node's component; halves the path on the way up. */
function find(parentPtr: usize, node: u32): u32 {
  let parent = load<u32>(parentPtr + ((<usize>node) << 2));
  while (parent !== node) {
    const grand = load<u32>(parentPtr + ((<usize>parent) << 2));
    store<u32>(parentPtr + ((<usize>node) << 2), grand);
    node = grand;
    parent = load<u32>(parentPtr + ((<usize>node) << 2));
  }
  return node;
}

/**
 * Connected components of rows and columns, joined by the supported weights; and how many of these each has.
 * Nodes: rows 0 .. M - 1, columns M .. M + N - 1. A component is named by its smallest node.
 * @param zPtr  z [M, N], f32; an entry is supported iff |z| >= cut
 * @param componentPtr  u32 [M + N], overwritten
 * @param degreePtr  u32 [M + N], overwritten: supported weights of the row or column
 */
export function f32_support_components(
  M: u32,
  N: u32,
  zPtr: usize,
  cut: f32,
  componentPtr: usize,
  degreePtr: usize,
): void {
  const nodes = M + N;
  memory.fill(degreePtr, 0, (<usize>nodes) << 2);
  for (let node: u32 = 0; node < nodes; node++) store<u32>(componentPtr + ((<usize>node) << 2), node);
  for (let i: u32 = 0; i < M; i++) {
    let degree: u32 = 0;
    for (let j: u32 = 0; j < N; j++, zPtr += 4) {
      if (abs(load<f32>(zPtr)) < cut) continue;
      degree++;
      const at = degreePtr + ((<usize>(M + j)) << 2);
      store<u32>(at, load<u32>(at) + 1);
      const a = find(componentPtr, i);
      const b = find(componentPtr, M + j);
      if (a !== b) store<u32>(componentPtr + ((<usize>max<u32>(a, b)) << 2), min<u32>(a, b));
    }
    store<u32>(degreePtr + ((<usize>i) << 2), degree);
  }
  for (let node: u32 = 0; node < nodes; node++) {
    store<u32>(componentPtr + ((<usize>node) << 2), find(componentPtr, node));
  }
}

/**
 * Counts supported weights by cell of a coarse grid: count[rowCell[i], columnCell[j]] += |z[i, j]| >= cut.
 * @param zPtr  z [M, N], f32
 * @param rowCellPtr  u32 [M], below the grid's height
 * @param columnCellPtr  u32 [N], below `width`
 * @param countPtr  u32 [height, width], added to
 */
export function f32_count_cells(
  M: usize,
  N: usize,
  zPtr: usize,
  cut: f32,
  rowCellPtr: usize,
  columnCellPtr: usize,
  width: u32,
  countPtr: usize,
): void {
  for (let i: usize = 0; i < M; i++) {
    const rowPtr = countPtr + ((<usize>(load<u32>(rowCellPtr + (i << 2)) * width)) << 2);
    for (let j: usize = 0; j < N; j++, zPtr += 4) {
      if (abs(load<f32>(zPtr)) < cut) continue;
      const at = rowPtr + ((<usize>load<u32>(columnCellPtr + (j << 2))) << 2);
      store<u32>(at, load<u32>(at) + 1);
    }
  }
}
