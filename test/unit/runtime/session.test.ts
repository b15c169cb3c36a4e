import assert from 'node:assert/strict';
import type { Executor, Feeds } from '../../../src/runtime/executor.js';
import { InferenceSession } from '../../../src/runtime/inference-session.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../../src/runtime/wasm-executor.js';
import { withCode } from '../../support/codes.js';
import { mlpPlan } from '../../support/plans.js';

const plan = mlpPlan(2, 3, 1);
const one = (value: number) => ({ x: new Tensor('float32', Float32Array.of(value, value), [1, 2]) });

/** Answers each run with the first element of its feed, when the test lets it. */
class SlowExecutor implements Executor {
  readonly log: string[] = [];
  #finish: (() => void)[] = [];

  async run(feeds: Feeds) {
    const value = Number(feeds['x'].data[0]);
    this.log.push(`start ${value}`);
    await new Promise<void>((resolve) => this.#finish.push(resolve));
    this.log.push(`end ${value}`);
    return { y: new Tensor('float32', Float32Array.of(value), [1, 1]) };
  }

  runSync(feeds: Feeds) {
    return { y: new Tensor('float32', Float32Array.of(Number(feeds['x'].data[0])), [1, 1]) };
  }

  async warm(): Promise<void> {}

  stats() {
    return { runs: 0, fallbackRate: 0, provider: 'slow', threads: [] };
  }

  async release(): Promise<void> {
    this.log.push('release');
  }

  /** Ends the run that waits longest, and lets everything that follows happen. */
  async next(): Promise<void> {
    this.#finish.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('InferenceSession', () => {
  it('tells names, ports and certificate', () => {
    const session = InferenceSession.fromExecutor(plan, new SlowExecutor(), { level: 'A' });
    assert.deepEqual(session.inputNames, ['x']);
    assert.deepEqual(session.outputNames, ['y']);
    assert.deepEqual(session.certificate, { level: 'A' });
    assert.equal(session.inputs[0].dtype, 'float32');
  });

  it('runs overlapping calls one after the other, on the feeds as they were', async () => {
    const slow = new SlowExecutor();
    const session = InferenceSession.fromExecutor(plan, slow);
    const feeds = one(2);
    const results = [session.run(one(1)), session.run(feeds), session.run(one(3))];
    feeds.x.data.fill(99);
    for (let i = 0; i < 3; i++) await slow.next();
    assert.deepEqual(
      (await Promise.all(results)).map(({ y }) => y.data[0]),
      [1, 2, 3],
    );
    assert.deepEqual(slow.log, ['start 1', 'end 1', 'start 2', 'end 2', 'start 3', 'end 3']);
  });

  it('lets a queued call be cancelled without touching the others', async () => {
    const slow = new SlowExecutor();
    const session = InferenceSession.fromExecutor(plan, slow);
    const abort = new AbortController();
    const [first, second, third] = [
      session.run(one(1)),
      session.run(one(2), { signal: abort.signal }),
      session.run(one(3)),
    ];
    abort.abort();
    await assert.rejects(second, withCode('ABORTED'));
    assert.deepEqual(slow.log, ['start 1']);
    await slow.next();
    await slow.next();
    assert.deepEqual([(await first).y.data[0], (await third).y.data[0]], [1, 3]);
  });

  it('refuses runSync while a run has not ended', async () => {
    const slow = new SlowExecutor();
    const session = InferenceSession.fromExecutor(plan, slow);
    const running = session.run(one(1));
    assert.throws(() => session.runSync(one(2)), withCode('SYNC_UNSUPPORTED'));
    await slow.next();
    await running;
    assert.equal(session.runSync(one(2)).y.data[0], 2);
  });

  it('waits for running calls at release, and refuses later ones', async () => {
    const slow = new SlowExecutor();
    const session = InferenceSession.fromExecutor(plan, slow);
    const running = session.run(one(1));
    const released = session.release();
    assert.equal(session.release(), released);
    await assert.rejects(session.run(one(2)), withCode('SESSION_RELEASED'));
    assert.throws(() => session.runSync(one(2)), withCode('SESSION_RELEASED'));
    await assert.rejects(session.warm(), withCode('SESSION_RELEASED'));
    await slow.next();
    await released;
    assert.equal((await running).y.data[0], 1);
    assert.deepEqual(slow.log, ['start 1', 'end 1', 'release']);
    assert.equal(session.stats().provider, 'slow');
  });

  it('is released at the end of a scope', async () => {
    const slow = new SlowExecutor();
    await InferenceSession.fromExecutor(plan, slow)[Symbol.asyncDispose]();
    assert.deepEqual(slow.log, ['release']);
  });

  it('rejects wrong feeds instead of throwing, and stays usable', async () => {
    const session = InferenceSession.fromExecutor(plan, createWasmExecutor(plan));
    await assert.rejects(session.run({}), withCode('INPUT_MISSING'));
    assert.equal((await session.run(one(1))).y.data[0], 1);
  });

  it('counts runs', async () => {
    const session = InferenceSession.fromExecutor(plan, createWasmExecutor(plan));
    assert.deepEqual(session.stats(), {
      runs: 0,
      fallbackRate: 0,
      provider: 'wasm',
      threads: [{ threadId: 0, parts: [], busyMs: 0 }],
    });
    session.runSync(one(1));
    await session.run(one(1));
    const { runs, threads } = session.stats();
    assert.equal(runs, 2);
    assert.deepEqual(threads[0].parts, [0]);
    assert.ok(threads[0].busyMs > 0);
  });
});
