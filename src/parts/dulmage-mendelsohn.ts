/**
 * The Dulmage-Mendelsohn decomposition of one matrix: a permutation to block triangular form that depends on where the
 * non-zeros are, not on the matching that was found.
 *
 *                horizontal    square    vertical         columns
 *     rows   |   more columns |         |          |
 *            |                | B1 * *  |          |
 *            |                |    B2 * |          |
 *            |                |         | more rows |
 */
import { graphOf } from '../graph/directed-graph.js';
import { strongComponents } from '../graph/strong-components.js';
import { type Matching, maximumMatching, type Pattern } from './matching.js';

export type CoarsePart = 'horizontal' | 'square' | 'vertical';

export interface Decomposition {
  readonly rows: readonly CoarsePart[];
  readonly columns: readonly CoarsePart[];
  /** Fine blocks of the square part: block number of each row, or -1; blocks are numbered in triangular order. */
  readonly rowBlock: Int32Array<ArrayBuffer>;
  readonly columnBlock: Int32Array<ArrayBuffer>;
  readonly blocks: number;
}

function rowsByColumn({ columns, rows }: Pattern): number[][] {
  const byColumn: number[][] = Array.from({ length: columns }, () => []);
  rows.forEach((list, row) => {
    for (const column of list) byColumn[column].push(row);
  });
  return byColumn;
}

/** What alternating paths from the free ones of one side reach, on both sides. */
function alternatingReach(
  neighbours: readonly (readonly number[])[],
  partner: Int32Array,
  partnerBack: Int32Array,
): { near: Set<number>; far: Set<number> } {
  const queue = Array.from(neighbours.keys()).filter((node) => partner[node] < 0);
  const near = new Set(queue);
  const far = new Set<number>();
  for (const node of queue) {
    for (const other of neighbours[node]) {
      if (far.has(other)) continue;
      far.add(other);
      const back = partnerBack[other];
      if (back >= 0 && !near.has(back)) {
        near.add(back);
        queue.push(back);
      }
    }
  }
  return { near, far };
}

/** Strong components of the square part, each matched pair being one node. */
function fineBlocks(pattern: Pattern, { columnOf, rowOf }: Matching, isSquare: (row: number) => boolean) {
  const pairs = pattern.rows.flatMap((list, row) =>
    isSquare(row)
      ? list.filter((column) => isSquare(rowOf[column])).map((column) => [row, rowOf[column]] as const)
      : [],
  );
  const { component, count } = strongComponents(graphOf(pattern.rows.length, pairs));
  // An edge between components goes to a lower number; reading the numbers backwards makes the form upper triangular.
  const numbers = new Map<number, number>();
  for (let number = count - 1; number >= 0; number--) {
    if (component.some((other, row) => other === number && isSquare(row))) numbers.set(number, numbers.size);
  }
  const rowBlock = component.map((number, row) => (isSquare(row) ? (numbers.get(number) as number) : -1));
  const columnBlock = rowOf.map((row) => (row >= 0 && isSquare(row) ? rowBlock[row] : -1));
  return { rowBlock, columnBlock, blocks: numbers.size, columnOf };
}

/** Decomposes a matrix by the pattern of its non-zeros. Dulmage and Mendelsohn 1958; Pothen and Fan 1990. */
export function dulmageMendelsohn(pattern: Pattern): Decomposition {
  const matching = maximumMatching(pattern);
  const fromColumns = alternatingReach(rowsByColumn(pattern), matching.rowOf, matching.columnOf);
  const fromRows = alternatingReach(pattern.rows, matching.columnOf, matching.rowOf);
  const partOf = (inHorizontal: boolean, inVertical: boolean): CoarsePart =>
    inHorizontal ? 'horizontal' : inVertical ? 'vertical' : 'square';
  const rows = pattern.rows.map((_, row) => partOf(fromColumns.far.has(row), fromRows.near.has(row)));
  const columns = Array.from({ length: pattern.columns }, (_, column) =>
    partOf(fromColumns.near.has(column), fromRows.far.has(column)),
  );
  const { rowBlock, columnBlock, blocks } = fineBlocks(pattern, matching, (row) => rows[row] === 'square');
  return { rows, columns, rowBlock, columnBlock, blocks };
}
