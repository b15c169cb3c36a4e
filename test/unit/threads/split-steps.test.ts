import assert from 'node:assert/strict';
import { createPoolExecutor } from '../../../src/executors/pool.js';
import { bindPlan } from '../../../src/runtime/bind-plan.js';
import type { Plan } from '../../../src/runtime/plan.js';
import { chooseRowChunks } from '../../../src/runtime/row-chunks.js';
import { scratchLength } from '../../../src/runtime/step-kinds/windows.js';
import { partsAtOnce } from '../../../src/runtime/task-order.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../../src/runtime/wasm-executor.js';
import { splitSteps } from '../../../src/threads/split-steps.js';
import { linearWeight, mlpPlan, onePart, step } from '../../support/plans.js';
import { Random } from '../../support/random.js';

/** x [1, K] -> a layer of N outputs -> one of 5. */
const widePlan = (N: number, K: number) => mlpPlan(K, N, 5);

/** One image [groups * C, size, size] under `groups * O` kernels of 3 x 3, then a small linear layer. */
function convPlan(groups: number, C: number, O: number, size: number): Plan {
  const random = new Random(2);
  const image = [1, size, size];
  const lists = {
    input: image,
    kernel: [1, 3, 3],
    strides: [1, 1, 1],
    dilations: [1, 1, 1],
    pads: [0, 1, 1],
    output: image,
  };
  const sizes = { N: 1, groups, C, O, ...lists, tile: [4, size] };
  const [inputs, outputs] = [groups * C * size * size, groups * O * size * size];
  const data = random.floats(groups * O * (1 + 9 * C));
  const weight = { name: 'w', dtype: 'float32', shape: [groups * O, 1 + 9 * C], layout: 'plain', data } as const;
  const steps = [
    step('conv', [{ buffer: 0 }, { weight: 0 }], [{ buffer: 1 }, { buffer: 3 }], { ...sizes, lo: { real: 0 } }),
    step('gemm', [{ buffer: 1 }, { weight: 1 }], [{ buffer: 2 }], { M: 1, N: 5, K: outputs }),
  ];
  const port = (name: string, buffer: number, width: number) =>
    ({ name, dtype: 'float32', shape: [1, width], buffer }) as const;
  return {
    version: 1,
    symbols: [],
    inputs: [port('x', 0, inputs)],
    outputs: [port('y', 2, 5)],
    buffers: [inputs, outputs, 5, scratchLength(sizes)].map((count) => ({ dtype: 'float32', size: count })),
    weights: [weight, linearWeight('v', 5, outputs, random)],
    steps,
    parts: onePart(steps),
    rows: null,
  };
}

/** A layer of almost all the work, beside seven small ones. */
function unevenPlan(): Plan {
  const random = new Random(5);
  const widths = [900, ...Array.from({ length: 7 }, () => 8)];
  const total = widths.reduce((sum, width) => sum + width, 0);
  const batch = [[1, 'batch']] as const;
  const rows = (count: number) => [[count, 'batch']] as const;
  let at = 0;
  const steps = widths.map((N, i) => {
    const target = { buffer: 1, offset: at };
    at += N;
    return step('gemm', [{ buffer: 0 }, { weight: i }], [target], { M: batch, N, K: 300, ldy: total });
  });
  return {
    version: 1,
    symbols: ['batch'],
    inputs: [{ name: 'x', dtype: 'float32', shape: [batch, 300], buffer: 0 }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [batch, total], buffer: 1 }],
    buffers: [300, total].map((count) => ({ dtype: 'float32', size: rows(count) })),
    weights: widths.map((N, i) => linearWeight(`w${i}`, N, 300, random)),
    steps,
    parts: steps.map((_, id) => ({ id, first: id, end: id + 1, after: [] })),
    rows: 'batch',
  };
}

/** Runs on one thread and on pools of 2 and 3 give the same bits; a part keeps its number. */
async function sameBits(plan: Plan, x: Tensor): Promise<void> {
  const expected = createWasmExecutor(plan).runSync({ x }, {}).y.data;
  for (const threads of [2, 3]) {
    const pool = createPoolExecutor(plan, { threads });
    assert.deepEqual((await pool.run({ x }, {})).y.data, expected, `run on ${threads} threads`);
    assert.deepEqual(pool.runSync({ x }, {}).y.data, expected, `runSync on ${threads} threads`);
    const parts = new Set(pool.stats().threads.flatMap((thread) => thread.parts));
    assert.deepEqual([...parts], [0]);
    await pool.release();
  }
}

const rowsOf = (plan: Plan, rows: number, zeros = false) => {
  const width = plan.inputs[0].shape[1] as number;
  const data = new Random(7).floats(rows * width);
  return new Tensor('float32', zeros ? data.map((value, i) => (i % 9 ? 0 : value)) : data, [rows, width]);
};

describe('splitSteps', () => {
  it('cuts a layer of few rows by its outputs, in whole panels, and leaves small ones', () => {
    const plan = widePlan(2090, 1000);
    const { parts, steps } = splitSteps(plan, new Map([['batch', 1]]), 2);
    assert.deepEqual(
      steps.map(({ params }) => params['N'] ?? null),
      [544, 544, 544, 458, 5, null],
    );
    assert.deepEqual(
      parts.map(({ after, of }) => [after, of]),
      [
        [[], 0],
        [[], 0],
        [[], 0],
        [[], 0],
        [[0, 1, 2, 3], 0],
      ],
    );
  });

  it('leaves plans of many rows, small layers and one thread as they are', () => {
    const plan = widePlan(2090, 1000);
    assert.equal(splitSteps(plan, new Map([['batch', 64]]), 2), plan);
    assert.equal(splitSteps(plan, new Map([['batch', 1]]), 1), plan);
    const small = mlpPlan();
    assert.equal(splitSteps(small, new Map([['batch', 8]]), 2), small);
  });

  for (const rows of [1, 7]) {
    it(`keeps the bits of a wide layer, ${rows} rows, dense and with zeros`, async () => {
      const plan = widePlan(1999, 777);
      for (const zeros of [false, true]) await sameBits(plan, rowsOf(plan, rows, zeros));
    });
  }

  it('keeps the bits of a convolution, cut by outputs and by groups', async () => {
    for (const plan of [convPlan(1, 8, 70, 24), convPlan(20, 4, 6, 40)]) await sameBits(plan, rowsOf(plan, 1));
  });

  it('leaves rows to be cut where one of many parts has the work', () => {
    const plan = unevenPlan();
    const bound = bindPlan(plan, new Map([['batch', 64]]));
    assert.equal(partsAtOnce(bound), 1);
    assert.equal(chooseRowChunks(bound, { threads: 2, stepWork: 1e9 }).length, 8);
  });

  it('lets no thread spin while nothing runs', async () => {
    const pool = createPoolExecutor(widePlan(2090, 1000), { threads: 2 });
    await pool.warm();
    await pool.run({ x: rowsOf(widePlan(2090, 1000), 1) }, {});
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    await pause(50);
    const before = process.cpuUsage();
    await pause(300);
    const { user, system } = process.cpuUsage(before);
    assert.ok(user + system < 60_000, `${user + system} us of processor time in 300 ms`);
    await pool.release();
  });
});
