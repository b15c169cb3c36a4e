import assert from 'node:assert/strict';
import { allocateRanks, type Offer } from '../../../src/annealing/allocate.js';
import { createRandom } from '../../oracle/random.js';

const offer = (name: string, values: number[], out: number, inputs: number): Offer => ({
  name,
  values: Float64Array.from(values),
  costPerRank: out + inputs,
  whole: out * inputs,
});

/** Work and error of ranks; null stands for a whole layer. */
function judge(offers: readonly Offer[], ranks: readonly (number | null)[]): { work: number; error: number } {
  let [work, error] = [0, 0];
  offers.forEach(({ values, costPerRank, whole }, i) => {
    const rank = ranks[i];
    work += rank === null ? whole : rank * costPerRank;
    if (rank !== null) error += values.slice(rank).reduce((sum, value) => sum + value, 0);
  });
  return { work, error };
}

describe('allocateRanks', () => {
  const random = createRandom(3);
  const falling = (n: number, rate: number) =>
    Array.from({ length: n }, (_, i) => rate ** i * (1 + 0.01 * random.below(10)));
  const offers = [
    offer('a', falling(6, 0.4), 10, 20),
    offer('b', falling(5, 0.6), 12, 8),
    offer('c', falling(5, 0.3), 5, 9),
  ];
  const forms = offers.map(({ values }) => [null, ...Array.from(values.keys(), (i) => i + 1)]);
  const all = forms[0].flatMap((a) => forms[1].flatMap((b) => forms[2].map((c) => [a, b, c])));

  it('stays within the budget, and nothing as cheap is truer', () => {
    for (let budget = 70; budget < 350; budget += 7) {
      const ranks = allocateRanks(offers, budget);
      assert.ok(ranks, `budget ${budget}`);
      const found = judge(
        offers,
        offers.map(({ name }) => ranks.get(name) ?? null),
      );
      assert.ok(found.work <= budget);
      for (const other of all) {
        const { work, error } = judge(offers, other);
        assert.ok(work > found.work || error >= found.error - 1e-9, `${other} at budget ${budget}`);
      }
    }
  });

  it('leaves whole what a rank would not make cheaper', () => {
    assert.deepEqual([...(allocateRanks([offer('flat', [1, 1, 1, 1], 4, 4)], 100) ?? [])], []);
  });

  it('gives nothing when the budget is below rank 1 everywhere', () => {
    assert.equal(allocateRanks(offers, 60), null);
  });
});
