import assert from 'node:assert/strict';
import type { Block } from '../../../src/runtime/workspace.js';
import { createRandom } from '../random.js';
import { assertClose, builds } from './builds.js';
import { packBits, sequenceSquares } from './edges.js';

/** Rows and columns around the width of a word. */
const shapes = [
  [1, 1],
  [2, 31],
  [3, 32],
  [5, 33],
  [4, 64],
  [7, 70],
];

const guard = 0xdeadbeef;

for (const [build, { kernels, workspace }] of builds) {
  describe(`edge kernels (${build})`, () => {
    /** Marks with a guard word behind them. */
    function guarded(words: number): { block: Block<'uint32'>; read: () => number[] } {
      const block = workspace.allocate('uint32', words + 1);
      workspace.view(block).fill(guard);
      const read = () => {
        const all = Array.from(workspace.view(block));
        assert.equal(all.pop(), guard);
        return all;
      };
      return { block, read };
    }

    for (const [rows, columns] of shapes) {
      const random = createRandom(rows * 100 + columns);
      const n = rows * columns;
      const words = rows * Math.ceil(columns / 32);
      const scores = Float32Array.from({ length: n }, () => random.normal());
      const flags = Array.from(scores, (z) => Math.abs(z) >= 0.75);
      const bits = packBits(flags, rows, columns);

      it(`marks and counts [${rows}, ${columns}]`, () => {
        workspace.scope(() => {
          const z = workspace.copyIn('float32', scores);
          const x = workspace.copyIn('float64', Float64Array.from(scores));
          const { block, read } = guarded(words);
          const count = kernels.f32_mark_beyond(rows, columns, z.ptr, 0.75, block.ptr);
          assert.deepEqual(read(), Array.from(bits));
          assert.equal(count, flags.filter(Boolean).length);
          const above = Array.from(scores, (value) => value >= 0.25);
          assert.equal(kernels.f64_mark_above(rows, columns, x.ptr, 0.25, block.ptr), above.filter(Boolean).length);
          assert.deepEqual(read(), Array.from(packBits(above, rows, columns)));
          assert.equal(kernels.f64_count_above(n, x.ptr, 0.25), above.filter(Boolean).length);
        });
      });

      it(`lists degrees and targets of [${rows}, ${columns}]`, () => {
        workspace.scope(() => {
          const marks = workspace.copyIn('uint32', bits);
          const row = workspace.allocate('int32', rows);
          const column = workspace.allocate('int32', columns);
          kernels.mark_degrees(rows, columns, marks.ptr, row.ptr, column.ptr);
          const at = (i: number, j: number) => flags[i * columns + j];
          const rowsOf = (j: number) => Array.from({ length: rows }, (_, i) => i).filter((i) => at(i, j));
          const lists = Array.from({ length: columns }, (_, j) => rowsOf(j));
          assert.deepEqual(
            Array.from(workspace.view(column)),
            lists.map((list) => list.length),
          );
          const degrees = Array.from({ length: rows }, (_, i) => flags.slice(i * columns, (i + 1) * columns));
          assert.deepEqual(
            Array.from(workspace.view(row)),
            degrees.map((row) => row.filter(Boolean).length),
          );
          const targets = workspace.allocate('int32', n);
          let first = 0;
          const starts = lists.map((list) => {
            first += list.length;
            return first - list.length;
          });
          workspace.view(column).set(starts);
          kernels.mark_targets(rows, columns, marks.ptr, 1000, column.ptr, targets.ptr);
          assert.deepEqual(
            Array.from(workspace.view(targets)).slice(0, first),
            lists.flat().map((i) => i + 1000),
          );
        });
      });

      it(`keeps marked weights of [${rows}, ${columns}]`, () => {
        workspace.scope(() => {
          const marks = workspace.copyIn('uint32', bits);
          const w = workspace.copyIn('float32', scores);
          const start = workspace.copyIn(
            'float32',
            scores.map((z) => z + 1),
          );
          kernels.f32_keep_marked(rows, columns, w.ptr, marks.ptr, start.ptr);
          const reset = scores.map((z, at) => (flags[at] ? z : z + 1));
          assert.deepEqual(Array.from(workspace.view(w)), Array.from(reset));
          kernels.f32_keep_marked(rows, columns, w.ptr, marks.ptr, 0);
          assert.deepEqual(
            Array.from(workspace.view(w)),
            Array.from(scores, (z, at) => (flags[at] ? z : 0)),
          );
        });
      });
    }

    for (const [d, m] of [
      [1, 2],
      [5, 4],
      [9, 3],
      [33, 4],
    ]) {
      it(`sums and spreads the sequences of a ${d}-${m * d}-${d} block`, () => {
        workspace.scope(() => {
          const random = createRandom(d * m);
          const size = m * d * d;
          const [up, down] = [0, 1].map(() => Float32Array.from({ length: size }, () => random.normal()));
          const sums = workspace.allocate('float64', d * d);
          const [upBlock, downBlock] = [workspace.copyIn('float32', up), workspace.copyIn('float32', down)];
          kernels.f32_sequence_squares(d, m, upBlock.ptr, downBlock.ptr, sums.ptr);
          const want = sequenceSquares(d, m, up, down);
          workspace.view(sums).forEach((sum, at) => {
            assertClose(sum, want[at], 1e-14, `edge ${at}`);
          });
          const edges = want.map((sum) => sum >= 2 * m);
          const marks = workspace.copyIn('uint32', packBits(edges, d, d));
          const upMarks = guarded(m * d * Math.ceil(d / 32));
          const downMarks = guarded(d * Math.ceil((m * d) / 32));
          kernels.mark_sequences(d, m, marks.ptr, upMarks.block.ptr, downMarks.block.ptr);
          const upFlags = Array.from({ length: size }, (_, at) => edges[(Math.floor(at / d) % d) * d + (at % d)]);
          const downFlags = Array.from({ length: size }, (_, at) => edges[Math.floor(at / (m * d)) * d + (at % d)]);
          assert.deepEqual(upMarks.read(), Array.from(packBits(upFlags, m * d, d)));
          assert.deepEqual(downMarks.read(), Array.from(packBits(downFlags, d, m * d)));
        });
      });
    }

    it('scores change beyond a tolerance', () => {
      workspace.scope(() => {
        const w = workspace.copyIn('float32', Float32Array.of(1, 2, 3, -4));
        const start = workspace.copyIn('float32', Float32Array.of(1, 2.5, 3.25, 4));
        kernels.f32_difference_scores(4, w.ptr, start.ptr, 0.25, 38.5, w.ptr);
        assert.deepEqual(Array.from(workspace.view(w)), [0, 38.5, 0, 38.5]);
      });
    });

    it('counts common bits', () => {
      workspace.scope(() => {
        const a = workspace.copyIn('uint32', Uint32Array.of(0b1011, 0xffffffff));
        const b = workspace.copyIn('uint32', Uint32Array.of(0b0110, 0x80000001));
        assert.equal(kernels.mark_overlap(2, a.ptr, b.ptr), 3);
      });
    });
  });
}
