import assert from 'node:assert/strict';
import { symbol } from '../../../src/runtime/extent.js';
import { InferenceSession } from '../../../src/runtime/inference-session.js';
import { Machine } from '../../../src/runtime/machine.js';
import { plainKernels } from '../../../src/runtime/plain-kernels.js';
import type { Plan } from '../../../src/runtime/plan.js';
import type { RunReference } from '../../../src/runtime/reference.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createWasmExecutor, type WasmExecutorOptions } from '../../../src/runtime/wasm-executor.js';
import { withCode } from '../../support/codes.js';
import { batch, mlpOracle, mlpPlan, onePart, rowsOf, step } from '../../support/plans.js';
import { Random } from '../../support/random.js';

const feed = (rows: number, columns = 20) =>
  new Tensor('float32', new Random(7).floats(rows * columns), [rows, columns]);

function sessionOf(plan: Plan, options: WasmExecutorOptions = {}): InferenceSession {
  return InferenceSession.fromExecutor(plan, createWasmExecutor(plan, options));
}

/** y = table[ids], rows of 4. */
function gatherPlan(): Plan {
  const length = symbol('length');
  const steps = [
    step(
      'gather',
      [{ weight: 0 }, { buffer: 0 }],
      [{ buffer: 1 }],
      { outer: 1, axis: 5, inner: 4, count: length },
      'lookup',
    ),
  ];
  return {
    version: 1,
    symbols: ['length'],
    inputs: [{ name: 'ids', dtype: 'int32', shape: [length], buffer: 0 }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [length, 4], buffer: 1 }],
    buffers: [
      { dtype: 'int32', size: length },
      { dtype: 'float32', size: [[4, 'length']] },
    ],
    weights: [
      {
        name: 'table',
        dtype: 'float32',
        shape: [5, 4],
        layout: 'plain',
        data: Float32Array.from({ length: 20 }, (_, i) => i),
      },
    ],
    steps,
    parts: onePart(steps),
    rows: null,
  };
}

/** y = relu(twice(neg(x))), where `twice` is a reference step between two kernels. */
function referencePlan(): Plan {
  const shape = { json: [[batch, 3]] };
  const steps = [
    step('unary', [{ buffer: 0 }], [{ buffer: 1 }], { f: 'neg', count: rowsOf(3) }),
    step(
      'reference',
      [{ buffer: 1 }],
      [{ buffer: 2 }],
      { op: 'Twice', readShapes: shape, writeShapes: shape },
      'twice',
    ),
    step('unary', [{ buffer: 2 }], [{ buffer: 3 }], { f: 'relu', count: rowsOf(3) }),
  ];
  return {
    version: 1,
    symbols: ['batch'],
    inputs: [{ name: 'x', dtype: 'float32', shape: [batch, 3], buffer: 0 }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [batch, 3], buffer: 3 }],
    buffers: [0, 1, 2, 3].map(() => ({ dtype: 'float32', size: rowsOf(3) })),
    weights: [],
    steps,
    parts: onePart(steps),
    rows: 'batch',
  };
}

describe('wasm executor', () => {
  const plan = mlpPlan();

  for (const rows of [1, 2, 7, 8, 9, 16, 63, 300, 1000]) {
    it(`computes ${rows} rows of an MLP, run and runSync alike`, async () => {
      const x = feed(rows);
      const { y } = await sessionOf(plan).run({ x });
      const expected = mlpOracle(plan, x.data, rows);
      assert.deepEqual(y.dims, [rows, 10]);
      // 54 products and sums of numbers below 34 in f32, and a softmax of values in [0, 1], which does not amplify.
      for (const [i, value] of y.data.entries())
        assert.ok(Math.abs(Number(value) - expected[i]) < 1e-5, `element ${i}`);
      assert.deepEqual(sessionOf(plan).runSync({ x }).y.data, y.data);
    });
  }

  it('gives no rows for no rows', async () => {
    const { y } = await sessionOf(plan).run({ x: feed(0) });
    assert.deepEqual(y.dims, [0, 10]);
    assert.equal(y.data.length, 0);
  });

  it('gives the same bits again after other batch sizes, more of them than schedules are kept', async () => {
    const session = sessionOf(plan);
    const first = (await session.run({ x: feed(3) })).y.data;
    for (let rows = 1; rows < 24; rows++) await session.run({ x: feed(rows) });
    assert.deepEqual((await session.run({ x: feed(3) })).y.data, first);
  });

  it('gives only the outputs that are wanted, as fresh arrays', async () => {
    const session = sessionOf(plan);
    const [a, b] = [session.runSync({ x: feed(2) }), session.runSync({ x: feed(2) })];
    assert.notEqual(a.y.data.buffer, b.y.data.buffer);
    assert.deepEqual(session.runSync({ x: feed(2) }, { outputs: [] }), {});
    await assert.rejects(session.run({ x: feed(2) }, { outputs: ['z'] }), withCode('OUTPUT_UNKNOWN'));
  });

  it('names the node whose data hold an index out of range, and goes on', async () => {
    const session = sessionOf(gatherPlan());
    const ids = (...values: number[]) => new Tensor('int32', Int32Array.from(values), [values.length]);
    await assert.rejects(session.run({ ids: ids(0, 5) }), withCode('DATA_INVALID', '"lookup"'));
    assert.throws(() => session.runSync({ ids: ids(99) }), withCode('DATA_INVALID', '"lookup"'));
    assert.deepEqual([...(await session.run({ ids: ids(4, -5) })).y.data], [16, 17, 18, 19, 0, 1, 2, 3]);
  });

  it('refuses reference steps by name, and runs them with the function of the tool', async () => {
    assert.throws(() => sessionOf(referencePlan()), withCode('REFERENCE_STEP', 'Twice'));
    const runReference: RunReference = (_, [x]) => [
      new Tensor(
        'float32',
        (x.data as Float32Array).map((value) => 2 * value),
        x.dims,
      ),
    ];
    const session = sessionOf(referencePlan(), { runReference });
    const x = new Tensor('float32', Float32Array.of(-1, 2, -3), [1, 3]);
    assert.deepEqual([...(await session.run({ x })).y.data], [2, 0, 6]);
    assert.deepEqual([...session.runSync({ x }).y.data], [2, 0, 6]);
    const wrong = sessionOf(referencePlan(), { runReference: () => [] });
    await assert.rejects(wrong.run({ x }), withCode('INTERNAL', '"twice"'));
  });

  it('refuses weights and batches beyond its memory before it allocates', async () => {
    assert.throws(() => sessionOf(plan, { memoryBytes: 4096 }), withCode('MEMORY_LIMIT'));
    const session = sessionOf(plan, { memoryBytes: 1_000_000 });
    await assert.rejects(session.run({ x: feed(20_000) }), withCode('MEMORY_LIMIT', '1000000'));
    assert.equal((await session.run({ x: feed(2) })).y.dims[0], 2);
  });

  it('makes its instance anew after a trap', () => {
    const machine = new Machine(plan, { kernels: plainKernels(), limitBytes: 2 ** 31 });
    const before = machine.memory;
    const outside = { ptr: 2 ** 32 - 64, bytes: 32, work: 0, steps: [], isReference: false, operandPtrs: [] };
    assert.throws(() => machine.runSlice(outside), withCode('KERNEL_TRAP', 'restored'));
    assert.notEqual(machine.memory, before);
    const x = feed(3);
    const schedule = machine.schedule(new Map([['batch', 3]]), { threads: 1, stepWork: 1e9 });
    machine.load(schedule);
    machine.writeInputs(schedule, { x });
    for (const slice of schedule.tasks[0].slices) machine.runSlice(slice);
    assert.deepEqual(machine.readOutputs(schedule).y.data, sessionOf(plan).runSync({ x }).y.data);
  });
});

describe('wasm executor on a long run', () => {
  const plan = mlpPlan(256, 1024, 256);
  const rows = 2000;
  const session = sessionOf(plan);

  it('lets the event loop turn', async () => {
    let turns = 0;
    const count = setInterval(() => turns++, 0);
    await session.run({ x: feed(rows, 256) });
    clearInterval(count);
    assert.ok(turns >= 5, `${turns} turns`);
  });

  it('ends within a few milliseconds of an abort, and stays usable', async () => {
    const abort = new AbortController();
    const running = session.run({ x: feed(rows, 256) }, { signal: abort.signal });
    let abortedAtMs = 0;
    setTimeout(() => {
      abortedAtMs = performance.now();
      abort.abort();
    }, 5);
    await assert.rejects(running, withCode('ABORTED'));
    const delayMs = performance.now() - abortedAtMs;
    assert.ok(delayMs < 50, `${delayMs} ms`);
    await assert.rejects(session.run({ x: feed(1, 256) }, { signal: AbortSignal.abort() }), withCode('ABORTED'));
    assert.equal((await session.run({ x: feed(1, 256) })).y.dims[0], 1);
  });

  it('ends at its limit of time, run and runSync alike', async () => {
    await assert.rejects(session.run({ x: feed(rows, 256) }, { timeoutMs: 3 }), withCode('TIMEOUT', '3 ms'));
    assert.throws(() => session.runSync({ x: feed(rows, 256) }, { timeoutMs: 3 }), withCode('TIMEOUT'));
    for (const timeoutMs of [-1, Number.NaN]) {
      await assert.rejects(session.run({ x: feed(1, 256) }, { timeoutMs }), withCode('OPTION_INVALID', 'timeoutMs'));
    }
  });
});
