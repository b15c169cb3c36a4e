/** Outputs have the same bits on any number of threads. */
import assert from 'node:assert/strict';
import { createPoolExecutor } from '../../src/executors/pool.js';
import { checkPlan } from '../../src/runtime/check-plan.js';
import type { Executor } from '../../src/runtime/executor.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../src/runtime/wasm-executor.js';
import { Random } from '../support/random.js';
import { randomPlan } from '../support/random-plan.js';

const plans = 6;
const seed = Number(process.env['KERF_SEED'] ?? 20_261);

describe(`outputs over threads (KERF_SEED=${seed})`, () => {
  it(`are bit-equal on 1, 2 and 4 threads, for ${plans} random plans at 1, 13 and 90 rows`, async () => {
    for (let p = 0; p < plans; p++) {
      const random = new Random(seed + p);
      const plan = randomPlan(random);
      checkPlan(plan);
      const executors: Executor[] = [
        createWasmExecutor(plan),
        ...[1, 2, 4].map((threads) => createPoolExecutor(plan, { threads })),
      ];
      for (const rows of [1, 13, 90]) {
        const K = plan.inputs[0].shape[1] as number;
        const feeds = { x0: new Tensor('float32', random.floats(rows * K), [rows, K]) };
        const expected = executors[0].runSync(feeds, {}).y.data;
        for (const [e, executor] of executors.entries()) {
          assert.deepEqual(
            (await executor.run(feeds, {})).y.data,
            expected,
            `plan ${p}, executor ${e}, run, ${rows} rows`,
          );
          assert.deepEqual(
            executor.runSync(feeds, {}).y.data,
            expected,
            `plan ${p}, executor ${e}, sync, ${rows} rows`,
          );
        }
      }
      await Promise.all(executors.map((executor) => executor.release()));
    }
  });
});
