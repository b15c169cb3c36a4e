import assert from 'node:assert/strict';
import { priceOfShare } from '../../../src/annealing/prices.js';

describe('the price of a share of the rows', () => {
  it('is the mean over all subsets of them', () => {
    const price = (rows: number) => (rows === 0 ? 0 : 5 + rows ** 2);
    for (const share of [0, 0.1, 0.5, 0.9, 1]) {
      let mean = 0;
      for (let subset = 0; subset < 2 ** 6; subset++) {
        const count = subset.toString(2).replaceAll('0', '').length;
        mean += share ** count * (1 - share) ** (6 - count) * price(count);
      }
      assert.ok(Math.abs(priceOfShare(price, 6, share) - mean) < 1e-12 * (1 + mean), `${share}`);
    }
  });

  it('is the share times the rows where each row costs the same, also of many rows', () => {
    const [rows, share] = [4096, 0.3];
    assert.ok(Math.abs(priceOfShare((count) => 2 * count, rows, share) - 2 * share * rows) < 1e-6);
  });
});
