import assert from 'node:assert/strict';
import { formatConfidence, itemsNeeded, lowerBound, upperBound } from '../../src/annealing/bounds.js';
import { isInformative, judge, testInSequence } from '../../src/annealing/guard.js';
import { binomialCdfOracle } from '../oracle/linalg.js';
import { createRandom } from '../oracle/random.js';

const promise = { maxDisagreement: 0.005, confidence: 0.95 };

describe('guard bounds', () => {
  it('allows 0 / 1 / 4 / 16 / 38 disagreements in 598 / 1,000 / 2,000 / 5,000 / 10,000 at 0.5 %', () => {
    for (const [n, most] of [
      [598, 0],
      [1000, 1],
      [2000, 4],
      [5000, 16],
      [10000, 38],
    ]) {
      assert.ok(judge('', 0, n, most, promise).passed, `${most} of ${n}`);
      assert.ok(!judge('', 0, n, most + 1, promise).passed, `${most + 1} of ${n}`);
    }
    assert.equal(itemsNeeded(promise), 598);
    assert.ok(!judge('', 0, 597, 0, promise).passed);
  });

  it('tells a confidence with all its digits', () => {
    const texts = [0.95, 0.9, 0.999, 0.07, 1 - 1e-10].map(formatConfidence);
    assert.deepEqual(texts, ['95 %', '90 %', '99.9 %', '7 %', '99.99999999 %']);
  });

  it('solves the binomial equations to 1e-9', () => {
    for (const [seen, n] of [
      [0, 10],
      [1, 10],
      [9, 10],
      [3, 396],
      [16, 5000],
      [120, 20000],
    ]) {
      for (const confidence of [0.9, 0.95, 0.999]) {
        const upper = upperBound(seen, n, confidence);
        assert.ok(Math.abs(binomialCdfOracle(seen, n, upper) - (1 - confidence)) < 1e-9, `upper ${seen} of ${n}`);
        if (seen === 0) continue;
        const lower = lowerBound(seen, n, confidence);
        assert.ok(
          Math.abs(1 - binomialCdfOracle(seen - 1, n, lower) - (1 - confidence)) < 1e-9,
          `lower ${seen} of ${n}`,
        );
      }
    }
    assert.equal(upperBound(10, 10, 0.95), 1);
    assert.equal(lowerBound(0, 10, 0.95), 0);
  });

  it('keeps the last stage before the first failure, and does not try the ones behind it', async () => {
    const seen = [0, 3, 40, 0];
    const tried: number[] = [];
    const tested = await testInSequence(
      seen.map((count, i) => ({ name: `s${i}`, macs: 10 - i, value: count })),
      ({ value }) => {
        tried.push(value);
        return { n: 2000, seen: value };
      },
      promise,
    );
    assert.deepEqual(tried, [0, 3, 40]);
    assert.deepEqual(
      tested.passed.map(({ name }) => name),
      ['s0', 's1'],
    );
    assert.deepEqual(
      tested.stages.map(({ passed }) => passed),
      [true, true, false],
    );
  });

  it('stops at a control that fails, and never keeps one', async () => {
    const run = (control: number) =>
      testInSequence(
        [
          { name: 'control', macs: 1, value: control, isControl: true },
          { name: 'stage', macs: 2, value: 0 },
        ],
        ({ value }) => ({ n: 1000, seen: value }),
        promise,
      );
    // 12 of 1,000 break the promise of 0.5 %, but not the 2 % of a control; 14 break both.
    assert.deepEqual(
      (await run(12)).passed.map(({ name }) => name),
      ['stage'],
    );
    assert.deepEqual((await run(14)).passed, []);
  });

  it('finds a guard without positives uninformative', () => {
    assert.ok(!isInformative([{ decision: '0', n: 5000, seen: 0 }]));
    assert.ok(
      !isInformative([
        { decision: '0', n: 5000, seen: 0 },
        { decision: '1', n: 2, seen: 0 },
      ]),
    );
    assert.ok(
      isInformative([
        { decision: '0', n: 50, seen: 0 },
        { decision: '1', n: 3, seen: 0 },
      ]),
    );
  });
});

/**
 * T14. A population of 10,000 items and a ladder of stages. Each item disagrees from some stage on, as when a net is
 * compressed more and more; single stages lose items and win a few back. The guard is a random subset, the rest is fresh.
 */
describe('T14: promises over resplits', () => {
  const population = 10000;
  const stageCount = 40;

  function disagreements(seed: number): Uint8Array[] {
    const random = createRandom(seed);
    const hardness = Float64Array.from({ length: population }, () => random.uniform());
    return Array.from({ length: stageCount }, (_, stage) => {
      const rate = 0.0005 * 1.1 ** stage;
      return Uint8Array.from(hardness, (h) => (h < rate * (0.9 + 0.2 * random.uniform()) ? 1 : 0));
    });
  }

  /** @param isForced  whether the guard sees nothing */
  async function resplit(stages: readonly Uint8Array[], guardSize: number, seed: number, isForced = false) {
    const random = createRandom(seed);
    const inGuard = new Uint8Array(population);
    for (let left = guardSize; left > 0; ) {
      const i = random.below(population);
      if (inGuard[i]) continue;
      inGuard[i] = 1;
      left--;
    }
    const seenIn = (stage: Uint8Array) => stage.reduce((sum, x, i) => sum + (x & inGuard[i]), 0);
    const freshRate = (stage: Uint8Array) =>
      stage.reduce((sum, x, i) => sum + (x & (1 - inGuard[i])), 0) / (population - guardSize);
    const { passed } = await testInSequence(
      stages.map((value, i) => ({ name: String(i), macs: 0, value })),
      ({ value }) => ({ n: guardSize, seen: isForced ? 0 : seenIn(value) }),
      promise,
    );
    const kept = passed.at(-1);
    const firstOver = stages.findIndex((stage) => seenIn(stage) / guardSize > promise.maxDisagreement);
    const naive = stages[firstOver < 0 ? stages.length - 1 : Math.max(0, firstOver - 1)];
    return {
      isBroken: kept !== undefined && freshRate(kept.value) > promise.maxDisagreement,
      isNaiveBroken: freshRate(naive) > promise.maxDisagreement,
    };
  }

  it('breaks at most 2 % of promises, where stopping at the point estimate breaks at least 30 %', async () => {
    const resplits = 400;
    let [broken, naiveBroken] = [0, 0];
    let stages: Uint8Array[] = [];
    for (let split = 0; split < resplits; split++) {
      if (split % 20 === 0) stages = disagreements(split);
      const result = await resplit(stages, 2000, 1000 + split);
      broken += Number(result.isBroken);
      naiveBroken += Number(result.isNaiveBroken);
    }
    assert.ok(broken <= 0.02 * resplits, `broken promises: ${broken} of ${resplits}`);
    assert.ok(naiveBroken >= 0.3 * resplits, `naive: ${naiveBroken} of ${resplits}`);
  });

  it('finds a guard that always passes out', async () => {
    const stages = disagreements(1);
    let broken = 0;
    for (let split = 0; split < 20; split++) broken += Number((await resplit(stages, 2000, split, true)).isBroken);
    assert.equal(broken, 20);
  });
});
