import assert from 'node:assert/strict';
import { createRandom } from '../random.js';
import { builds } from './builds.js';
import { pValueHistogram, supportComponents } from './pictures.js';

const bins = 20;
const cut = 1.5;
const shapes = [
  [1, 1],
  [1, 7],
  [9, 1],
  [6, 8],
  [17, 5],
];

for (const [build, { kernels, workspace }] of builds) {
  describe(`picture kernels (${build})`, () => {
    it('f32_p_value_histogram counts p-values by bin', () => {
      const random = createRandom(11);
      const scores = Float32Array.from({ length: 5000 }, (_, i) => (i < 50 ? 40 : i < 60 ? 0 : random.normal()));
      const block = workspace.copyIn('float32', scores);
      const cuts = workspace.allocate('float32', bins - 1);
      const places = Array.from({ length: bins - 1 }, (_, b) => (b + 1) / (2 * bins));
      workspace.view(cuts).set(places.map((p) => kernels.f64_normal_quantile(Math.log(p))));
      const counts = workspace.copyIn('uint32', new Uint32Array(bins + 1).fill(7));
      kernels.f32_p_value_histogram(5000, block.ptr, bins, cuts.ptr, counts.ptr);
      assert.deepEqual([...workspace.view(counts)], [...pValueHistogram([...scores], bins), 7]);
    });

    for (const [rows, columns] of shapes) {
      const random = createRandom(rows * 100 + columns);
      const scores = Float32Array.from({ length: rows * columns }, () => random.normal());
      const at = (i: number, j: number) => Math.abs(scores[i * columns + j]) >= cut;
      const flags = Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => at(i, j)));

      it(`f32_support_components joins rows and columns, ${rows} x ${columns}`, () => {
        const block = workspace.copyIn('float32', scores);
        const names = workspace.copyIn('uint32', new Uint32Array(rows + columns + 1).fill(7));
        const degrees = workspace.copyIn('uint32', new Uint32Array(rows + columns + 1).fill(7));
        kernels.f32_support_components(rows, columns, block.ptr, cut, names.ptr, degrees.ptr);
        assert.deepEqual([...workspace.view(names)], [...supportComponents(flags), 7]);
        const rowDegrees = flags.map((row) => row.filter(Boolean).length);
        const columnDegrees = flags[0].map((_, j) => flags.filter((row) => row[j]).length);
        assert.deepEqual([...workspace.view(degrees)], [...rowDegrees, ...columnDegrees, 7]);
      });

      it(`f32_count_cells counts by cell, ${rows} x ${columns}`, () => {
        const [height, width] = [2, 3];
        const rowCells = Uint32Array.from({ length: rows }, () => random.below(height));
        const columnCells = Uint32Array.from({ length: columns }, () => random.below(width));
        const want = new Array<number>(height * width).fill(0);
        flags.forEach((row, i) => {
          row.forEach((is, j) => {
            want[rowCells[i] * width + columnCells[j]] += Number(is);
          });
        });
        const counts = workspace.copyIn('uint32', Uint32Array.from([0, 0, 0, 0, 0, 0, 7]));
        const blocks = [
          workspace.copyIn('float32', scores),
          workspace.copyIn('uint32', rowCells),
          workspace.copyIn('uint32', columnCells),
        ];
        const [z, r, c] = blocks.map(({ ptr }) => ptr);
        kernels.f32_count_cells(rows, columns, z, cut, r, c, width, counts.ptr);
        assert.deepEqual([...workspace.view(counts)], [...want, 7]);
      });
    }
  });
}
