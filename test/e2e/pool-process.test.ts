/** The pool in a process of its own: what happens at its end, and when nobody releases it. */
import assert from 'node:assert/strict';
import { runScript } from '../support/run-script.js';

const prelude = `
  import { createPoolExecutor } from './build/src/executors/pool.js';
  import { InferenceSession } from './build/src/runtime/inference-session.js';
  import { Tensor } from './build/src/runtime/tensor.js';
  import { mlpPlan } from './build/test/support/plans.js';
  const plan = mlpPlan(64, 200, 10);
  const x = new Tensor('float32', new Float32Array(64 * 64).fill(1), [64, 64]);
  const session = InferenceSession.fromExecutor(plan, createPoolExecutor(plan, { threads: 2 }));
`;

describe('a process with a pool', () => {
  it('ends by itself when the session was never released', async () => {
    const { stdout, stderr } = await runScript(`${prelude}
      await session.warm();
      const { y } = await session.run({ x });
      session.runSync({ x });
      console.log(y.dims.join());`);
    assert.equal(stdout.trim(), '64,10');
    assert.equal(stderr, '');
  });

  it('ends by itself when a run is not awaited, after the run', async () => {
    const { stdout } = await runScript(`${prelude}
      session.run({ x }).then(({ y }) => console.log(y.dims.join()));`);
    assert.equal(stdout.trim(), '64,10');
  });

  it('creates, runs and releases 20 sessions', async () => {
    const { stdout } = await runScript(`${prelude}
      for (let i = 0; i < 20; i++) {
        const one = InferenceSession.fromExecutor(plan, createPoolExecutor(plan, { threads: 2 }));
        await one.run({ x });
        await one.release();
      }
      console.log('done');`);
    assert.equal(stdout.trim(), 'done');
  });
});
