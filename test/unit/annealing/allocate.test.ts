import assert from 'node:assert/strict';
import { type Allocation, allocate, type Offer, type Side } from '../../../src/annealing/allocate.js';
import { createRandom } from '../../oracle/random.js';

const offer = (name: string, values: number[] | null, out: number, inputs: number): Offer => ({
  name,
  values: values && Float64Array.from(values),
  out,
  inputs,
  positions: 1,
});

/** Work and error of ranks; null stands for a whole layer. */
function judge(offers: readonly Offer[], ranks: readonly (number | null)[]): { work: number; error: number } {
  let [work, error] = [0, 0];
  offers.forEach(({ values, out, inputs }, i) => {
    const rank = ranks[i];
    work += rank === null ? out * inputs : rank * (out + inputs);
    if (rank !== null) error += (values as Float64Array).slice(rank).reduce((sum, value) => sum + value, 0);
  });
  return { work, error };
}

describe('allocate', () => {
  const random = createRandom(3);
  const falling = (n: number, rate: number) =>
    Array.from({ length: n }, (_, i) => rate ** i * (1 + 0.01 * random.below(10)));
  const offers = [
    offer('a', falling(6, 0.4), 10, 20),
    offer('b', falling(5, 0.6), 12, 8),
    offer('c', falling(5, 0.3), 5, 9),
  ];
  const forms = offers.map(({ values }) => [null, ...Array.from((values as Float64Array).keys(), (i) => i + 1)]);
  const all = forms[0].flatMap((a) => forms[1].flatMap((b) => forms[2].map((c) => [a, b, c])));

  it('stays within the budget, and nothing as cheap is truer', () => {
    for (let budget = 70; budget < 350; budget += 7) {
      const allocation = allocate(offers, [], budget);
      assert.ok(allocation, `budget ${budget}`);
      const found = judge(
        offers,
        offers.map(({ name }) => allocation.ranks.get(name) ?? null),
      );
      assert.equal(allocation.price, found.work);
      assert.ok(found.work <= budget);
      for (const other of all) {
        const { work, error } = judge(offers, other);
        assert.ok(work > found.work || error >= found.error - 1e-9, `${other} at budget ${budget}`);
      }
    }
  });

  it('leaves whole what a rank would not make cheaper', () => {
    assert.deepEqual([...(allocate([offer('flat', [1, 1, 1, 1], 4, 4)], [], 100)?.ranks ?? [])], []);
  });

  it('gives nothing when the budget is below rank 1 everywhere', () => {
    assert.equal(allocate(offers, [], 60), null);
  });

  describe('with sides to narrow', () => {
    const rising = (n: number, first: number, rate: number) =>
      Float64Array.from({ length: n }, (_, i) => first * rate ** i);
    const layers = [offer('first', falling(8, 0.5), 12, 16), offer('second', null, 3, 12)];
    const sides: Side[] = [
      { name: 'inputs', costs: rising(16, 1e-4, 1.5), readers: ['first'], writers: [] },
      { name: 'hidden', costs: rising(12, 1e-3, 1.4), readers: ['second'], writers: ['first'] },
    ];

    /** Work and error of a form of the two layers. */
    function cost(rank: number | null, inputs: number, hidden: number): { work: number; error: number } {
      const lost = (costs: Float64Array, kept: number) =>
        costs.subarray(0, costs.length - kept).reduce((sum, value) => sum + value, 0);
      const values = layers[0].values as Float64Array;
      const tail = rank === null ? 0 : values.slice(rank).reduce((sum, value) => sum + value, 0);
      const work = (rank === null ? inputs * hidden : rank * (inputs + hidden)) + 3 * hidden;
      return { work, error: tail + lost(sides[0].costs, inputs) + lost(sides[1].costs, hidden) };
    }

    const formOf = ({ ranks, widths }: Allocation) =>
      [ranks.get('first') ?? null, widths.get('inputs') as number, widths.get('hidden') as number] as const;

    it('stays within the budget, and no change of one number makes it as cheap and truer', () => {
      for (let budget = 20; budget <= 228; budget += 8) {
        const allocation = allocate(layers, sides, budget);
        assert.ok(allocation, `budget ${budget}`);
        const [rank, inputs, hidden] = formOf(allocation);
        const found = cost(rank, inputs, hidden);
        assert.equal(allocation.price, found.work);
        assert.ok(found.work <= budget, `budget ${budget}`);
        for (const [r, i, h] of [
          [rank === null ? 8 : rank - 1, inputs, hidden],
          [rank, inputs - 1, hidden],
          [rank, inputs, hidden - 1],
        ] as const) {
          if (r === 0 || i === 0 || h === 0) continue;
          const other = cost(r, i, h);
          assert.ok(other.work > found.work || other.error >= found.error, `${[r, i, h]} at budget ${budget}`);
        }
      }
    });

    it('comes near the best of all forms', () => {
      let [ours, best] = [0, 0];
      for (let budget = 20; budget <= 228; budget += 8) {
        let least = Number.POSITIVE_INFINITY;
        for (const rank of [null, 1, 2, 3, 4, 5, 6, 7, 8]) {
          for (let inputs = 1; inputs <= 16; inputs++) {
            for (let hidden = 1; hidden <= 12; hidden++) {
              const { work, error } = cost(rank, inputs, hidden);
              if (work <= budget) least = Math.min(least, error);
            }
          }
        }
        ours += cost(...formOf(allocate(layers, sides, budget) as Allocation)).error;
        best += least;
      }
      assert.ok(ours <= 1.25 * best, `${ours} over ${best}`);
    });
  });
});
