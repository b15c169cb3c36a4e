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

  it('creates, runs and releases 20 sessions, which leaves no file open', async () => {
    const { stdout } = await runScript(`${prelude}
      import { existsSync, readdirSync } from 'node:fs';
      const openFiles = () => existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0;
      const use = async () => {
        const one = InferenceSession.fromExecutor(plan, createPoolExecutor(plan, { threads: 2 }));
        await one.run({ x });
        await one.release();
      };
      await use();
      const before = openFiles();
      for (let i = 0; i < 20; i++) await use();
      console.log(openFiles() - before);`);
    // Threads that have just ended may still close theirs.
    assert.ok(Number(stdout) < 10, `${stdout} more files are open`);
  });

  it('holds the weights once, whatever the number of threads', async function () {
    this.timeout(60_000);
    const width = 4096;
    const weightBytes = 4 * 2 * width ** 2; // two layers, 128 MiB
    const rss = async (threads: number) => {
      const { stdout } = await runScript(
        `
        import { blockPlan } from './build/test/support/block-plan.js';
        import { Random } from './build/test/support/random.js';
        import { createPoolExecutor } from './build/src/executors/pool.js';
        import { Tensor } from './build/src/runtime/tensor.js';
        const pool = createPoolExecutor(blockPlan(1, ${width}, 2, new Random(1)), { threads: ${threads} });
        await pool.warm();
        const x0 = new Tensor('float32', new Float32Array(16 * ${width}).fill(1), [16, ${width}]);
        for (let i = 0; i < 4; i++) await pool.run({ x0 }, {});
        console.log(process.memoryUsage().rss, pool.stats().threads.length);
        await pool.release();
        `,
        50_000,
      );
      const [bytes, busy] = stdout.split(' ').map(Number);
      return { bytes, busy };
    };
    const [one, four] = [await rss(1), await rss(4)];
    assert.equal(one.busy, 1);
    assert.ok(four.busy > 1, `${four.busy} threads had tasks`);
    // Three threads more take some 15 MiB each; a copy of the weights for each would take 384 MiB.
    const added = four.bytes - one.bytes;
    assert.ok(added < weightBytes, `${(added / 2 ** 20).toFixed(0)} MiB more on four threads than on one`);
  });
});
