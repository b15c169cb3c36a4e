import assert from 'node:assert/strict';
import { ThreadChoice } from '../../../src/executors/thread-choice.js';

/** The choices of `runs` runs that take the given milliseconds. */
function choices(runs: number, ms: { one: number; all: number }): string[] {
  const choice = new ThreadChoice();
  return Array.from({ length: runs }, () => {
    const threads = choice.choose();
    choice.record(threads, ms[threads]);
    return threads;
  });
}

const count = (list: readonly string[], word: string) => list.filter((entry) => entry === word).length;

describe('ThreadChoice', () => {
  it('measures both in blocks and keeps to the faster, at a price below 5 %', () => {
    assert.deepEqual(choices(8, { one: 1, all: 2 }), ['all', 'all', 'all', 'one', 'one', 'one', 'one', 'one']);
    assert.equal(count(choices(256, { one: 1, all: 2 }), 'all'), 3);
    assert.equal(count(choices(256, { one: 2, all: 1 }), 'one'), 3);
  });

  it('measures short runs longer, since threads that wake are slow at first', () => {
    const short = choices(384 + 1024, { one: 0.1, all: 0.2 });
    assert.equal(count(short.slice(0, 384), 'all'), 24);
    assert.equal(count(short.slice(384), 'all'), 24);
    assert.equal(count(short.slice(0, 48), 'one'), 24);
    assert.equal(count(choices(384, { one: 0.2, all: 0.1 }), 'one'), 24);
    const choice = new ThreadChoice();
    const woken = Array.from({ length: 60 }, (_, run) => {
      const threads = choice.choose();
      choice.record(threads, threads === 'one' ? 0.1 : run < 16 ? 0.3 : 0.06);
      return threads;
    });
    assert.equal(woken.at(-1), 'all');
  });

  it('measures short runs again soon, since code that is new to all threads is slow at first', () => {
    const choice = new ThreadChoice();
    const tiered = Array.from({ length: 500 }, (_, run) => {
      const threads = choice.choose();
      choice.record(threads, threads === 'one' ? 0.15 : run < 200 ? 0.17 : 0.06);
      return threads;
    });
    assert.deepEqual([tiered[383], tiered[499]], ['one', 'all']);
  });

  it('measures again, and follows a change', () => {
    const choice = new ThreadChoice();
    for (let run = 0; run < 256; run++) choice.record(choice.choose(), choice.choose() === 'one' ? 1 : 2);
    const later = Array.from({ length: 20 }, () => {
      const threads = choice.choose();
      choice.record(threads, threads === 'one' ? 3 : 1);
      return threads;
    });
    assert.equal(later.at(-1), 'all');
  });

  it('never tries one thread on a run that surely pays for all', () => {
    assert.equal(count(choices(256, { one: 90, all: 50 }), 'one'), 0);
  });
});
