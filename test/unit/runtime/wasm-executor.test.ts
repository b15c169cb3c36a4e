import assert from 'node:assert/strict';
import { InferenceSession } from '../../../src/runtime/inference-session.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../../src/runtime/wasm-executor.js';
import { mlpOracle, mlpPlan } from '../../support/plans.js';
import { Random } from '../../support/random.js';

describe('wasm executor', () => {
  const plan = mlpPlan();
  const session = () => InferenceSession.fromExecutor(plan, createWasmExecutor(plan));
  const feed = (rows: number, seed = 7) => new Tensor('float32', new Random(seed).floats(rows * 20), [rows, 20]);

  for (const rows of [1, 2, 7, 8, 9, 16, 63, 300, 1000]) {
    it(`computes ${rows} rows of an MLP, run and runSync alike`, async () => {
      const x = feed(rows);
      const { y } = await session().run({ x });
      const expected = mlpOracle(plan, x.data, rows);
      assert.deepEqual(y.dims, [rows, 10]);
      // Two sums of at most 34 terms and a softmax of values in [0, 1]: 34 u of the largest logit, doubled, stays below.
      for (const [i, value] of y.data.entries())
        assert.ok(Math.abs(Number(value) - expected[i]) < 1e-5, `element ${i}`);
      assert.deepEqual(session().runSync({ x }).y.data, y.data);
    });
  }
});
