import assert from 'node:assert/strict';
import { createPoolExecutor } from '../../../src/executors/pool.js';
import { InThread } from '../../../src/runtime/in-thread.js';
import { Machine } from '../../../src/runtime/machine.js';
import { plainKernels } from '../../../src/runtime/plain-kernels.js';
import type { Plan } from '../../../src/runtime/plan.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../../src/runtime/wasm-executor.js';
import { mlpPlan } from '../../support/plans.js';
import { Random } from '../../support/random.js';

const [K, H] = [400, 176];

/** Rows of which about `density` of the inputs are not zero. */
function sparseRows(rows: number, density: number): Tensor<'float32'> {
  const random = new Random(3);
  const x = random.floats(rows * K).map((value) => (random.next() < density ? value : 0));
  return new Tensor('float32', x, [rows, K]);
}

/** The bits of the plan with every term added. */
function inFull(plan: Plan, x: Tensor): Float32Array {
  const machine = new Machine(plan, { kernels: plainKernels(), limitBytes: 2 ** 28, skipsZeros: false });
  return new InThread(machine).runSync({ x }, {})['y']!.data as Float32Array;
}

/** The plan with element `index` of the first layer's panels changed. */
function withWeight(plan: Plan, index: number, value: number): Plan {
  const data = (plan.weights[0].data as Float32Array).slice();
  data[index] = value;
  return { ...plan, weights: [{ ...plan.weights[0], data }, plan.weights[1]] };
}

/** Tape words of the first step's scratch address, by whether the machine gives one. */
function isSkipping(plan: Plan, rows = 1): boolean {
  const machine = new Machine(plan, { kernels: plainKernels(), limitBytes: 2 ** 28 });
  const { tape } = machine.schedule(new Map([['batch', rows]]), { threads: 1, stepWork: 2 ** 40 });
  return tape[tape[1]! - 1] !== 0;
}

describe('zero-skipping', () => {
  it('gives the bits of the full sums, on 1, 2 and 4 threads', async () => {
    const plan = mlpPlan(K, H, 64);
    assert.ok(isSkipping(plan));
    const executors = [createWasmExecutor(plan), ...[1, 2, 4].map((threads) => createPoolExecutor(plan, { threads }))];
    for (const rows of [1, 3, 70]) {
      for (const density of [0, 0.02, 0.2, 0.45, 1]) {
        const x = sparseRows(rows, density);
        const expected = inFull(plan, x);
        for (const [e, executor] of executors.entries()) {
          const message = `${rows} rows of density ${density}, executor ${e}`;
          assert.deepEqual((await executor.run({ x }, {}))['y']!.data, expected, message);
        }
      }
    }
    await Promise.all(executors.map((executor) => executor.release()));
  });

  it('is refused where a weight is not finite or a bias is -0, whatever the package says', () => {
    const plan = mlpPlan(K, H, 64);
    const x = sparseRows(1, 0.02);
    const zero = x.data.indexOf(0);
    for (const [index, value] of [
      [16 * (1 + zero), Infinity],
      [16 * (1 + zero) + 5, Number.NaN],
      [3, -0],
    ] as const) {
      const changed = withWeight(plan, index, value);
      assert.ok(!isSkipping(changed), `${value} at ${index}`);
      const y = createWasmExecutor(changed).runSync({ x }, {})['y']!.data;
      assert.deepEqual(y, inFull(changed, x), `${value} at ${index}`);
      assert.equal((y as Float32Array).some(Number.isNaN), value !== 0, `0 ${value} is NaN`);
    }
  });

  it('is refused where a step reads the panels as another matrix than was looked at', () => {
    const plan = mlpPlan(K, H, 64);
    const [first, ...rest] = plan.steps;
    // The same elements as half the outputs: 401 rows of 80 are panels of 16 by 401.
    const half = { ...first!, params: { ...first!.params, N: H / 2, ldy: H } };
    assert.ok(!isSkipping({ ...plan, steps: [half, ...rest] }));
    const moved = { ...half, reads: [first!.reads[0]!, { weight: 0, offset: 16 }] };
    assert.ok(!isSkipping({ ...plan, steps: [moved, ...rest] }));
  });

  it('is not tried where looking costs more than it can gain', () => {
    assert.ok(!isSkipping(mlpPlan(100, 64, 10)));
    assert.ok(isSkipping(mlpPlan(100, 64, 10), 16));
    assert.ok(!isSkipping(mlpPlan(3000, 8, 10), 64));
    assert.ok(isSkipping(mlpPlan(3000, 9, 10), 64));
  });
});
