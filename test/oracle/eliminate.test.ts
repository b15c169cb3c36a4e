import assert from 'node:assert/strict';
import { eliminateInputs } from '../../src/annealing/eliminate.js';
import { eliminateOracle } from './eliminate.js';
import { createRandom } from './random.js';

describe('elimination of inputs', () => {
  for (const [n, k, size] of [
    [1, 1, 1],
    [2, 3, 1],
    [3, 1, 1],
    [7, 4, 1],
    [8, 5, 1],
    [17, 6, 1],
    [2, 1, 2],
    [8, 5, 2],
    [15, 2, 3],
    [16, 6, 4],
  ]) {
    it(`removes ${n} inputs of ${k} outputs, ${size} at a time, in the order and at the cost of the oracle`, () => {
      const random = createRandom(100 * n + k);
      const samples = Array.from({ length: 3 * n }, () => Array.from({ length: n }, () => random.normal()));
      const covariance = Array.from({ length: n }, (_, i) =>
        Array.from({ length: n }, (_, j) => samples.reduce((sum, x) => sum + x[i] * x[j], 0) / samples.length),
      );
      const effects = Array.from({ length: k }, () => Array.from({ length: n }, () => random.normal()));
      const ridge = 0.01;
      const metric = covariance.map((row, i) => row.map((value, j) => value + (i === j ? ridge : 0)));
      const expected = eliminateOracle(effects, metric, size);
      const { order, costs } = eliminateInputs(
        { rows: k, columns: n, data: Float64Array.from(effects.flat()) },
        {
          mean: new Float64Array(n),
          covariance: { rows: n, columns: n, data: Float64Array.from(covariance.flat()) },
          ridge,
          rows: samples.length,
        },
        size,
      );
      assert.deepEqual([...order], expected.order);
      let largest = 0;
      expected.errors.forEach((error, step) => {
        largest = Math.max(largest, error - (step > 0 ? expected.errors[step - 1] : 0));
        // Condition numbers stay below 1e4 here, so twelve digits of sixteen remain, of the largest error.
        const bound = 1e-11 * expected.errors[n / size - 1];
        assert.ok(Math.abs(costs[step] - largest) <= bound, `step ${step}: ${costs[step]}, expected ${largest}`);
      });
    });
  }

  it('removes what others repeat for the price of the ridge alone', () => {
    // Inputs 0 and 2 are the same.
    const covariance = Float64Array.from([1, 0, 1, 0, 1, 0, 1, 0, 1]);
    const { order, costs } = eliminateInputs(
      { rows: 1, columns: 3, data: Float64Array.from([1, 1, 1]) },
      { mean: new Float64Array(3), covariance: { rows: 3, columns: 3, data: covariance }, ridge: 1e-6, rows: 3 },
    );
    assert.equal(order[0], 0);
    assert.ok(costs[0] < 1e-5, `${costs[0]}`);
    assert.ok(costs[1] > 0.9, `${costs[1]}`);
  });
});
