import assert from 'node:assert/strict';
import { Random } from '../../support/random.js';
import { assertClose, builds } from './builds.js';

for (const [build, { kernels, workspace }] of builds) {
  describe(`block kernels, ${build} build`, () => {
    const d = 7;
    const random = new Random(5);
    const x = Float64Array.from({ length: d * d }, () => random.next());
    const pairs = Array.from({ length: d }, (_, i) => Array.from({ length: i }, (_, j) => [i, j])).flat();
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

    it('symmetrise and centre, and tell the spread', () => {
      const [deviation, s] = workspace.scope((): [number, Float64Array] => {
        const source = workspace.copyIn('float64', x);
        const target = workspace.allocate('float64', d * d);
        return [kernels.f64_symmetrise(d, source.ptr, target.ptr), workspace.copyOut(target)];
      });
      const raw = pairs.map(([i, j]) => (x[i * d + j] + x[j * d + i]) / 2);
      const centre = mean(raw);
      for (const [k, [i, j]] of pairs.entries()) {
        assertClose(s[i * d + j], raw[k] - centre, 1e-15, `S[${i},${j}]`);
        assert.equal(s[j * d + i], s[i * d + j]);
      }
      for (let i = 0; i < d; i++) assert.equal(s[i * d + i], 0);
      assertClose(deviation, Math.sqrt(mean(raw.map((value) => (value - centre) ** 2))), 1e-14, 'deviation');
    });

    it('square correlations, 0 where a vector is zero', () => {
      const gram = [4, 2, 0, 2, 9, 0, 0, 0, 0];
      const got = workspace.scope(() => {
        const g = workspace.copyIn('float64', Float64Array.from(gram));
        const out = workspace.allocate('float64', 9);
        kernels.f64_squared_correlations(3, g.ptr, out.ptr);
        return [...workspace.view(out)];
      });
      assert.deepEqual(got, [1, 4 / 36, 0, 4 / 36, 1, 0, 0, 0, 0]);
    });

    it('normalise what affinities exceed noise by, 0 for a node that none reaches', () => {
      const least = 0.3;
      const squares = x.map((value) => value ** 2);
      for (let j = 0; j < d; j++) squares[4 * d + j] = squares[j * d + 4] = 0.2;
      const [got, degrees] = workspace.scope((): [Float64Array, Float64Array] => {
        const source = workspace.copyIn('float64', squares);
        const target = workspace.allocate('float64', d * d);
        const sums = workspace.allocate('float64', d);
        kernels.f64_affinity(d, source.ptr, least, target.ptr, sums.ptr);
        return [workspace.copyOut(target), workspace.copyOut(sums)];
      });
      const excess = (i: number, j: number) => (i === j ? 0 : Math.max(squares[i * d + j] - least, 0));
      const nodes = [...Array(d).keys()];
      const sums = nodes.map((i) => nodes.reduce((sum, j) => sum + excess(i, j), 0));
      assert.equal(sums[4], 0);
      for (const i of nodes) {
        assertClose(degrees[i], sums[i], 1e-15, `degree ${i}`);
        for (const j of nodes) {
          const scale = Math.sqrt(sums[i] * sums[j]);
          assertClose(got[i * d + j], scale > 0 ? excess(i, j) / scale : 0, 1e-15, `affinity ${i}, ${j}`);
        }
      }
    });

    it('give the residual of two means', () => {
      const labels = [0, 1, 0, 2, 1, 0, 2];
      const got = workspace.scope(() => {
        const s = workspace.copyIn('float64', x);
        const block = workspace.copyIn('int32', Int32Array.from(labels));
        return kernels.f64_two_mean_residual(d, s.ptr, block.ptr);
      });
      let want = 0;
      for (const isWithin of [true, false]) {
        const values = pairs.filter(([i, j]) => (labels[i] === labels[j]) === isWithin).map(([i, j]) => x[i * d + j]);
        want += values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0);
      }
      assertClose(got, want, 1e-12, 'residual');
    });

    it('cluster separated points, whatever lies behind the coordinates that count', () => {
      const [n, stride] = [60, 5];
      const points = Float64Array.from({ length: n * stride }, (_, at) => {
        const [i, axis] = [Math.floor(at / stride), at % stride];
        return axis === i % 3 ? 10 + random.next() : axis < 3 ? random.next() : 1e6 * random.next();
      });
      const [inertia, labels] = workspace.scope((): [number, Int32Array] => {
        const block = workspace.copyIn('float64', points);
        const out = workspace.allocate('int32', n);
        const scratch = workspace.allocate('float64', 3 * 3 + 3 + n);
        return [kernels.f64_kmeans(n, 3, block.ptr, stride, 3, 9n, out.ptr, scratch.ptr), workspace.copyOut(out)];
      });
      for (let i = 3; i < n; i++) assert.equal(labels[i], labels[i % 3]);
      assert.equal(new Set(labels).size, 3);
      let want = 0;
      for (let cluster = 0; cluster < 3; cluster++) {
        for (let axis = 0; axis < 3; axis++) {
          const values = Array.from({ length: n / 3 }, (_, i) => points[(3 * i + cluster) * stride + axis]);
          want += values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0);
        }
      }
      assertClose(inertia, want, 1e-12, 'inertia');
    });
  });
}
