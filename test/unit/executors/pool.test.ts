import assert from 'node:assert/strict';
import { threadId } from 'node:worker_threads';
import { createPoolExecutor, type PoolExecutorOptions } from '../../../src/executors/pool.js';
import { InferenceSession } from '../../../src/runtime/inference-session.js';
import type { Plan } from '../../../src/runtime/plan.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../../src/runtime/wasm-executor.js';
import { blockPlan } from '../../support/block-plan.js';
import { withCode } from '../../support/codes.js';
import { mlpPlan, step } from '../../support/plans.js';
import { Random } from '../../support/random.js';

function poolOf(plan: Plan, options: PoolExecutorOptions = { threads: 2 }): InferenceSession {
  return InferenceSession.fromExecutor(plan, createPoolExecutor(plan, options));
}

const feed = (rows: number, columns: number) =>
  new Tensor('float32', new Random(3).floats(rows * columns), [rows, columns]);

describe('pool executor', () => {
  it('runs parts of 5 ms and more on distinct threads', async () => {
    // 2 parts of 512 rows x 12 layers x 512^2 = 1.6 G multiply-adds: over 5 ms on any core.
    const plan = blockPlan(2, 512, 12, new Random(1));
    const session = poolOf(plan);
    await session.warm();
    const outputs = await session.run({ x0: feed(512, 512) });
    assert.deepEqual(Object.keys(outputs), ['y']);
    const { threads, provider } = session.stats();
    assert.equal(provider, 'pool');
    assert.equal(threads.length, 2, JSON.stringify(threads));
    assert.notEqual(threads[0].threadId, threads[1].threadId);
    assert.ok(
      threads.every((thread) => thread.threadId !== threadId && thread.busyMs >= 5),
      JSON.stringify(threads),
    );
    assert.deepEqual(threads.flatMap(({ parts }) => parts).sort(), [10, 11]);
    await session.release();
  });

  it('computes on the calling thread too in runSync', async () => {
    const plan = blockPlan(2, 256, 12, new Random(1));
    const session = poolOf(plan);
    session.runSync({ x0: feed(64, 256) });
    assert.ok(session.stats().threads.some((thread) => thread.threadId === threadId && thread.busyMs > 0));
    await session.release();
  });

  it('gives the bits of one thread when rows are cut into chunks, and after the batch grows', async () => {
    const plan = mlpPlan(64, 200, 10);
    const session = poolOf(plan, { threads: 3 });
    const alone = createWasmExecutor(plan);
    for (const rows of [1, 100, 700, 33, 5000, 100]) {
      const x = feed(rows, 64);
      const expected = alone.runSync({ x }, {}).y.data;
      assert.deepEqual((await session.run({ x })).y.data, expected, `run, ${rows} rows`);
      assert.deepEqual(session.runSync({ x }).y.data, expected, `runSync, ${rows} rows`);
    }
    await session.release();
  });

  it('keeps small runs on the calling thread where it may choose', async () => {
    const session = poolOf(mlpPlan(), { threads: 2, pooling: 'auto' });
    await session.run({ x: feed(3, 20) });
    assert.deepEqual(
      session.stats().threads.map((thread) => thread.threadId),
      [threadId],
    );
    assert.equal(session.stats().runs, 1);
    await session.release();
  });

  it('leaves the event loop free while it computes', async () => {
    const plan = blockPlan(2, 512, 12, new Random(1));
    const session = poolOf(plan);
    await session.warm();
    let turns = 0;
    const count = setInterval(() => turns++, 0);
    await session.run({ x0: feed(256, 512) });
    clearInterval(count);
    assert.ok(turns >= 5, `${turns} turns`);
    await session.release();
  });

  it('names the node whose data hold an index out of range, and goes on', async () => {
    const plan = mlpPlan();
    const lookup = step(
      'gather-columns',
      [{ buffer: 0 }, { weight: 2 }],
      [{ buffer: 1 }],
      {
        M: [[1, 'batch']],
        N: 33,
        columns: 20,
      },
      'lookup',
    );
    const indices = new Int32Array(33).fill(19);
    const weight = { name: 'indices', dtype: 'int32', shape: [33], layout: 'plain', data: indices } as const;
    const bad: Plan = { ...plan, weights: [...plan.weights, weight], steps: [lookup, ...plan.steps.slice(1)] };
    const session = poolOf(bad);
    await session.run({ x: feed(20, 20) });
    await session.release();
    indices[32] = 20;
    const broken = poolOf(bad);
    await assert.rejects(broken.run({ x: feed(40, 20) }), withCode('DATA_INVALID', '"lookup"'));
    assert.throws(() => broken.runSync({ x: feed(40, 20) }), withCode('DATA_INVALID', '"lookup"'));
    await broken.release();
  });

  it('refuses plans with reference steps, which no thread may run', () => {
    const plan = mlpPlan();
    const reference = step('reference', [], [], { op: 'Odd', readShapes: { json: [] }, writeShapes: { json: [] } });
    assert.throws(
      () => poolOf({ ...plan, steps: [...plan.steps, reference] }),
      withCode('REFERENCE_STEP', 'calling thread'),
    );
  });

  it('refuses batches beyond its memory', async () => {
    const session = poolOf(mlpPlan(), { threads: 2, memoryBytes: 1e6 });
    await assert.rejects(session.run({ x: feed(20_000, 20) }), withCode('MEMORY_LIMIT'));
    assert.equal((await session.run({ x: feed(9, 20) })).y.dims[0], 9);
    await session.release();
  });

  it('can be released before it has run, and while it runs', async () => {
    await poolOf(mlpPlan()).release();
    const session = poolOf(blockPlan(2, 256, 4, new Random(1)));
    const running = session.run({ x0: feed(64, 256) });
    await session.release();
    assert.equal((await running).y.dims[0], 64);
  });
});

describe('pool executor, ended early', () => {
  const plan = blockPlan(4, 512, 8, new Random(2));
  const x0 = feed(256, 512);

  it('aborts soon, again and again, and stays warm', async () => {
    const session = poolOf(plan);
    await session.warm();
    const delays: number[] = [];
    for (let i = 0; i < 20; i++) {
      const abort = new AbortController();
      const running = session.run({ x0 }, { signal: abort.signal });
      await new Promise((resolve) => setTimeout(resolve, 3));
      const atMs = performance.now();
      abort.abort();
      await assert.rejects(running, withCode('ABORTED'));
      delays.push(performance.now() - atMs);
    }
    assert.ok(Math.max(...delays) < 250, `${delays}`);
    const small = feed(8, 512);
    assert.deepEqual(
      (await session.run({ x0: small })).y.data,
      createWasmExecutor(plan).runSync({ x0: small }, {}).y.data,
    );
    await session.release();
  });

  it('ends at its limit of time, run and runSync alike', async () => {
    const session = poolOf(plan);
    await session.warm();
    await assert.rejects(session.run({ x0 }, { timeoutMs: 5 }), withCode('TIMEOUT'));
    assert.throws(() => session.runSync({ x0 }, { timeoutMs: 5 }), withCode('TIMEOUT'));
    await session.release();
  });
});
