import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import { type CreateSessionOptions, createSession } from '../../../src/executors/create-session.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../../src/runtime/wasm-executor.js';
import { withCode } from '../../support/codes.js';
import { mlpPlan } from '../../support/plans.js';
import { Random } from '../../support/random.js';
import { root } from '../../support/run-script.js';

const plan = mlpPlan(64, 256, 10);
const feed = (rows: number) => new Tensor('float32', new Random(3).floats(rows * 64), [rows, 64]);

async function providerOf(options: CreateSessionOptions, rows = 1): Promise<string> {
  const session = createSession(plan, null, options);
  await session.run({ x: feed(rows) });
  await session.release();
  return session.stats().provider;
}

describe('createSession', () => {
  it('takes the executor that is asked for', async () => {
    assert.equal(await providerOf({ executor: 'wasm' }), 'wasm');
    assert.equal(await providerOf({ executor: 'pool', threads: 2 }), 'pool');
    assert.equal(await providerOf({ threads: 1 }, 1000), 'wasm');
    const wasmModule = new WebAssembly.Module(readFileSync(`${root}/build/wasm/plain.wasm`));
    assert.equal(await providerOf({ wasmModule, threads: 2 }, 1000), 'wasm');
  });

  it('goes to threads at the first run that pays for them, and gives the same bits before and after', async () => {
    const session = createSession(plan, { level: 'A' }, { threads: 2 });
    assert.deepEqual(session.certificate, { level: 'A' });
    const alone = createWasmExecutor(plan);
    const providers: string[] = [];
    for (const rows of [1, 500, 1, 500]) {
      const x = feed(rows);
      assert.deepEqual((await session.run({ x })).y.data, alone.runSync({ x }, {}).y.data);
      assert.deepEqual(session.runSync({ x }).y.data, alone.runSync({ x }, {}).y.data);
      providers.push(session.stats().provider);
    }
    assert.deepEqual(providers, ['wasm', 'pool', 'pool', 'pool']);
    assert.equal(session.stats().runs, 8);
    const others = session.stats().threads.filter((thread) => thread.threadId !== threadId);
    assert.ok(others.length > 0 && others.every(({ parts }) => parts.includes(0)), JSON.stringify(others));
    await session.release();
  });

  it('holds the memory limit with every executor', async () => {
    for (const executor of ['wasm', 'pool'] as const) {
      const session = createSession(plan, null, { executor, threads: 2, limits: { memoryBytes: 1e6 } });
      await assert.rejects(session.run({ x: feed(10_000) }), withCode('MEMORY_LIMIT'));
      await session.release();
    }
  });

  it('refuses options that mean nothing', () => {
    const refused = (options: object) => () => createSession(plan, null, options as CreateSessionOptions);
    for (const threads of [0, -1, 1.5, Number.NaN, 'many', 1000]) {
      assert.throws(refused({ threads }), withCode('OPTION_INVALID', 'threads'));
    }
    for (const memoryBytes of [-1, Number.NaN, 'all']) {
      assert.throws(refused({ limits: { memoryBytes } }), withCode('OPTION_INVALID', 'memoryBytes'));
    }
    assert.throws(refused({ executor: 'gpu' }), withCode('OPTION_INVALID', 'executor', 'gpu'));
    assert.throws(refused({ executor: 'ort' }), withCode('OPTION_INVALID', 'ONNX model'));
  });
});
