/** Scans and copies of weight matrices, row-major [rows, columns]. */

/**
 * Counts the non-zero weights of each row and column.
 * @param rowCountPtr  i32 [rows], overwritten
 * @param columnCountPtr  i32 [columns], overwritten
 */
export function f32_count_nonzero(
  rows: i32,
  columns: i32,
  wPtr: usize,
  rowCountPtr: usize,
  columnCountPtr: usize,
): void {
  memory.fill(columnCountPtr, 0, (<usize>columns) << 2);
  for (let i = 0; i < rows; i++) {
    let count = 0;
    for (let j = 0; j < columns; j++, wPtr += 4) {
      if (load<f32>(wPtr) == 0) continue;
      count++;
      const at = columnCountPtr + ((<usize>j) << 2);
      store<i32>(at, load<i32>(at) + 1);
    }
    store<i32>(rowCountPtr + ((<usize>i) << 2), count);
  }
}

/**
 * Copies a submatrix: out[i, j] = w[rowIndex[i], columnIndex[j]].
 * @param rowIndexPtr  i32 [rows]
 * @param columnIndexPtr  i32 [columns]
 * @param outPtr  f32 [rows, columns]
 */
export function f32_submatrix(
  rows: i32,
  columns: i32,
  wPtr: usize,
  ldw: i32,
  rowIndexPtr: usize,
  columnIndexPtr: usize,
  outPtr: usize,
): void {
  for (let i = 0; i < rows; i++) {
    const row = wPtr + ((<usize>load<i32>(rowIndexPtr + ((<usize>i) << 2)) * <usize>ldw) << 2);
    for (let j = 0; j < columns; j++, outPtr += 4) {
      store<f32>(outPtr, load<f32>(row + ((<usize>load<i32>(columnIndexPtr + ((<usize>j) << 2))) << 2)));
    }
  }
}

/** The same of an f64 matrix. */
export function f64_submatrix(
  rows: i32,
  columns: i32,
  aPtr: usize,
  lda: i32,
  rowIndexPtr: usize,
  columnIndexPtr: usize,
  outPtr: usize,
): void {
  for (let i = 0; i < rows; i++) {
    const row = aPtr + ((<usize>load<i32>(rowIndexPtr + ((<usize>i) << 2)) * <usize>lda) << 3);
    for (let j = 0; j < columns; j++, outPtr += 8) {
      store<f64>(outPtr, load<f64>(row + ((<usize>load<i32>(columnIndexPtr + ((<usize>j) << 2))) << 3)));
    }
  }
}

/** Root of a node in a forest of parents, halving the path on the way. */
function rootOf(parentPtr: usize, node: i32): i32 {
  let at = parentPtr + ((<usize>node) << 2);
  let parent = load<i32>(at);
  while (parent != node) {
    const grand = load<i32>(parentPtr + ((<usize>parent) << 2));
    store<i32>(at, grand);
    node = grand;
    at = parentPtr + ((<usize>node) << 2);
    parent = load<i32>(at);
  }
  return node;
}

/**
 * Unites node rowBase + i with node columnBase + j wherever w[i, j] is not zero.
 * @param columnBase  first node of the columns
 * @param parentPtr  i32 forest over all nodes; roots point at themselves; the smaller root wins
 */
export function f32_unite_nonzero(
  rows: i32,
  columns: i32,
  wPtr: usize,
  rowBase: i32,
  columnBase: i32,
  parentPtr: usize,
): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++, wPtr += 4) {
      if (load<f32>(wPtr) == 0) continue;
      const a = rootOf(parentPtr, rowBase + i);
      const b = rootOf(parentPtr, columnBase + j);
      if (a != b) store<i32>(parentPtr + ((<usize>max(a, b)) << 2), min(a, b));
    }
  }
}
