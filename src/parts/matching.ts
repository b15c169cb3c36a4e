/** Largest matchings between the rows and columns of a sparse matrix. */

/** Columns with a non-zero entry, by row. */
export interface Pattern {
  readonly columns: number;
  readonly rows: readonly (readonly number[])[];
}

export interface Matching {
  /** Column matched to each row, or -1. */
  readonly columnOf: Int32Array<ArrayBuffer>;
  /** Row matched to each column, or -1. */
  readonly rowOf: Int32Array<ArrayBuffer>;
}

/** Distances of rows from the free rows along alternating paths; -1 where there is none. */
function distances({ rows }: Pattern, { columnOf, rowOf }: Matching): { distance: Int32Array; reachesFree: boolean } {
  const distance = new Int32Array(rows.length).fill(-1);
  const queue = Array.from(rows.keys()).filter((row) => columnOf[row] < 0);
  for (const row of queue) distance[row] = 0;
  let reachesFree = false;
  for (const row of queue) {
    for (const column of rows[row]) {
      const next = rowOf[column];
      if (next < 0) reachesFree = true;
      else if (distance[next] < 0) {
        distance[next] = distance[row] + 1;
        queue.push(next);
      }
    }
  }
  return { distance, reachesFree };
}

/**
 * A maximum matching, by shortest augmenting paths in phases. Hopcroft and Karp 1973.
 * @complexity O(entries sqrt(rows + columns))
 */
export function maximumMatching(pattern: Pattern): Matching {
  const matching = {
    columnOf: new Int32Array(pattern.rows.length).fill(-1),
    rowOf: new Int32Array(pattern.columns).fill(-1),
  };
  for (;;) {
    const { distance, reachesFree } = distances(pattern, matching);
    if (!reachesFree) return matching;
    for (let row = 0; row < pattern.rows.length; row++) {
      if (matching.columnOf[row] < 0) augment(pattern, matching, distance, row);
    }
  }
}

/** Follows a shortest alternating path from a free row to a free column and flips it. */
function augment(pattern: Pattern, { columnOf, rowOf }: Matching, distance: Int32Array, start: number): void {
  const path: { row: number; next: number }[] = [{ row: start, next: 0 }];
  while (path.length > 0) {
    const top = path[path.length - 1];
    const columns = pattern.rows[top.row];
    if (top.next === columns.length) {
      distance[top.row] = -1;
      path.pop();
      continue;
    }
    const next = rowOf[columns[top.next++]];
    if (next < 0) {
      for (const { row, next: taken } of path) {
        const column = pattern.rows[row][taken - 1];
        columnOf[row] = column;
        rowOf[column] = row;
      }
      return;
    }
    if (distance[next] === distance[top.row] + 1) path.push({ row: next, next: 0 });
  }
}
