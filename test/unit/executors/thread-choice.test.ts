import assert from 'node:assert/strict';
import { ThreadChoice, type Threads } from '../../../src/executors/thread-choice.js';

/** The choices of `runs` runs that take the given milliseconds. */
function choices(runs: number, ms: (threads: Threads, run: number) => number): Threads[] {
  const choice = new ThreadChoice();
  return Array.from({ length: runs }, (_, run) => {
    const threads = choice.choose();
    choice.record(threads, ms(threads, run));
    return threads;
  });
}

const constant = (ms: { one: number; all: number }) => (threads: Threads) => ms[threads];
const count = (list: readonly string[], word: string) => list.filter((entry) => entry === word).length;

describe('ThreadChoice', () => {
  it('tries both and keeps to the faster, at a price below 5 %', () => {
    const start = choices(8, constant({ one: 2, all: 4 }));
    assert.deepEqual(start, ['all', 'all', 'all', 'one', 'one', 'one', 'one', 'one']);
    assert.equal(count(choices(256, constant({ one: 2, all: 4 })), 'all'), 2 * 3);
    assert.equal(count(choices(256, constant({ one: 4, all: 2 })), 'one'), 2 * 3);
    assert.equal(count(choices(4000, constant({ one: 2, all: 4 })), 'all'), 16 * 3);
  });

  it('tries short runs longer, the more seldom the longer nothing changes', () => {
    for (const [slower, ms] of [
      ['all', { one: 0.1, all: 0.2 }],
      ['one', { one: 0.2, all: 0.1 }],
    ] as const) {
      const made = choices(10_000, constant(ms));
      const blocks = [48, 1000, 10_000].map((runs) => count(made.slice(0, runs), slower) / 24);
      // Behind the first two trials, after 96, 192, 384, 768 runs of the faster one, and every 1024 from then on.
      assert.deepEqual(blocks, [1, 4, 13]);
    }
  });

  it('does not judge all threads by runs that wake them', () => {
    const woken = choices(60, (threads, run) => (threads === 'one' ? 0.1 : run < 12 ? 0.3 : 0.06));
    assert.equal(woken.at(-1), 'all');
  });

  it('finds threads that are slow for some hundred runs, until their code is optimised', () => {
    const tiered = choices(470, (threads, run) => (threads === 'one' ? 0.15 : run < 200 ? 0.17 : 0.06));
    assert.deepEqual([tiered[200], tiered[469]], ['one', 'all']);
  });

  it('leaves a choice that has become slower within some dozens of runs, wherever the last trial was', () => {
    for (const [worse, better] of [
      ['one', 'all'],
      ['all', 'one'],
    ] as const) {
      for (let at = 400; at < 3000; at += 217) {
        const before = { [worse]: 0.1, [better]: 0.14 } as { one: number; all: number };
        const made = choices(at + 300, (threads, run) => (run >= at && threads === worse ? 0.3 : before[threads]));
        // At most four trials' runs since a trial that had just ended, and a trial of it.
        assert.ok(count(made.slice(at), worse) <= 4 * 24 + 24, `${worse} from ${at} on`);
      }
    }
  });

  it('is not moved by single runs that were interrupted', () => {
    const made = choices(3000, (threads, run) => (threads === 'one' ? 0.1 : 0.12) * (run % 7 === 3 ? 40 : 1));
    assert.ok(count(made, 'all') <= 7 * 24, `${count(made, 'all')}`);
  });

  it('never tries one thread on a run that surely pays for all', () => {
    assert.equal(count(choices(256, constant({ one: 90, all: 50 })), 'one'), 0);
  });
});
