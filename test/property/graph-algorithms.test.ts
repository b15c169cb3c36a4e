import assert from 'node:assert/strict';
import { graphOf } from '../../src/graph/directed-graph.js';
import { condensationLevels, strongComponents } from '../../src/graph/strong-components.js';
import { weakComponents } from '../../src/graph/weak-components.js';
import { dulmageMendelsohn } from '../../src/parts/dulmage-mendelsohn.js';
import { maximumMatching } from '../../src/parts/matching.js';
import { createRandom, type Random } from '../oracle/random.js';

const seed = 16;
const cases = 10_000;

function randomEdges(random: Random, n: number): [number, number][] {
  const density = random.uniform() * 0.6;
  const edges: [number, number][] = [];
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) if (random.uniform() < density) edges.push([i, j]);
  return edges;
}

/** Who reaches whom, by closing the relation step by step. */
function closure(n: number, edges: readonly [number, number][], isSymmetric: boolean): boolean[][] {
  const reach = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => i === j));
  for (const [i, j] of edges) {
    reach[i][j] = true;
    if (isSymmetric) reach[j][i] = true;
  }
  for (let k = 0; k < n; k++) {
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) if (reach[i][k] && reach[k][j]) reach[i][j] = true;
  }
  return reach;
}

/** Longest chain of components before each node. */
function levelsByBruteForce(n: number, reach: boolean[][]): number[] {
  const before = (i: number, j: number) => reach[i][j] && !reach[j][i];
  const level = (j: number): number => {
    let most = 0;
    for (let i = 0; i < n; i++) if (before(i, j)) most = Math.max(most, level(i) + 1);
    return most;
  };
  return Array.from({ length: n }, (_, j) => level(j));
}

/** Size of a largest matching, by trying every choice. */
function matchingSize(rows: readonly (readonly number[])[], row = 0, used = 0): number {
  if (row === rows.length) return 0;
  let best = matchingSize(rows, row + 1, used);
  for (const column of rows[row]) {
    if (!(used & (1 << column))) best = Math.max(best, 1 + matchingSize(rows, row + 1, used | (1 << column)));
  }
  return best;
}

const without = (rows: readonly (readonly number[])[], row: number, column: number) =>
  rows.map((list, i) => (i === row ? [] : list.filter((j) => j !== column)));

describe('T16: components and decompositions against brute force, 10,000 random graphs each', () => {
  it('finds weak and strong components, and levels', () => {
    const random = createRandom(seed);
    for (let test = 0; test < cases; test++) {
      const n = 1 + random.below(8);
      const edges = randomEdges(random, n);
      const graph = graphOf(n, edges);
      const reach = closure(n, edges, false);
      const connected = closure(n, edges, true);
      const weak = weakComponents(graph);
      const { component } = strongComponents(graph);
      const what = `seed ${seed}, case ${test}, edges ${JSON.stringify(edges)}`;
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          assert.equal(weak[i] === weak[j], connected[i][j], what);
          assert.equal(component[i] === component[j], reach[i][j] && reach[j][i], what);
          if (reach[i][j]) assert.ok(component[i] >= component[j], what);
        }
      }
      assert.deepEqual([...condensationLevels(graph)], levelsByBruteForce(n, reach), what);
    }
  });

  it('finds largest matchings and the Dulmage-Mendelsohn parts and blocks', () => {
    const random = createRandom(seed + 1);
    for (let test = 0; test < cases; test++) {
      const [m, n] = [1 + random.below(4), 1 + random.below(4)];
      const density = random.uniform();
      const rows = Array.from({ length: m }, () =>
        Array.from({ length: n }, (_, j) => j).filter(() => random.uniform() < density),
      );
      const what = `seed ${seed + 1}, case ${test}, ${n} columns, rows ${JSON.stringify(rows)}`;
      const size = matchingSize(rows);
      const { columnOf, rowOf } = maximumMatching({ columns: n, rows });
      assert.equal(columnOf.filter((column) => column >= 0).length, size, what);
      columnOf.forEach((column, row) => {
        if (column >= 0) assert.ok(rows[row].includes(column) && rowOf[column] === row, what);
      });
      checkDecomposition(rows, n, size, what);
    }
  });

  /** A side that some largest matching leaves free, its neighbours, and edges that some largest matching uses. */
  function checkDecomposition(rows: readonly number[][], n: number, size: number, what: string) {
    const found = dulmageMendelsohn({ columns: n, rows });
    const isColumnFree = (j: number) => matchingSize(without(rows, -1, j)) === size;
    const isRowFree = (i: number) => matchingSize(without(rows, i, -1)) === size;
    for (let j = 0; j < n; j++) {
      const touchesFreeRow = rows.some((list, i) => list.includes(j) && isRowFree(i));
      const expected = isColumnFree(j) ? 'horizontal' : touchesFreeRow ? 'vertical' : 'square';
      assert.equal(found.columns[j], expected, what);
    }
    rows.forEach((list, i) => {
      const expected = list.some(isColumnFree) ? 'horizontal' : isRowFree(i) ? 'vertical' : 'square';
      assert.equal(found.rows[i], expected, what);
      for (const j of list) {
        if (found.rows[i] !== 'square' || found.columns[j] !== 'square') continue;
        const isUsed = matchingSize(without(rows, i, j)) === size - 1;
        assert.equal(found.rowBlock[i] === found.columnBlock[j], isUsed, what);
        assert.ok(found.rowBlock[i] <= found.columnBlock[j], what);
      }
    });
  }
});
