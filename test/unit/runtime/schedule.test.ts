import assert from 'node:assert/strict';
import { type Schedule, type ScheduleOptions, schedulePlan, tableWords } from '../../../src/runtime/schedule.js';
import { stepKinds } from '../../../src/runtime/step-kinds.js';
import { withCode } from '../../support/codes.js';
import { mlpPlan } from '../../support/plans.js';
import { Random } from '../../support/random.js';
import { randomPlan } from '../../support/random-plan.js';

const options: ScheduleOptions = { threads: 1, stepWork: 1e9, basePtr: 4096, weightPtrs: [0, 0], limitBytes: 2 ** 32 };
const rows = (count: number) => new Map([['batch', count]]);

/** The row counts of the tasks, read from the first gemm on each tape. */
function rowsOfTasks({ tape, tapePtr, tasks }: Schedule): number[] {
  return tasks.map(({ slices }) => {
    const at = (slices[0].ptr - tapePtr) / 4;
    assert.equal(tape[at], stepKinds.get('gemm')?.opcode);
    return tape[at + 2 + 4];
  });
}

describe('schedulePlan', () => {
  it('writes one task where nothing is gained by more', () => {
    const { tasks, work } = schedulePlan(mlpPlan(), rows(64), options);
    assert.equal(tasks.length, 1);
    assert.equal(work, 64 * (33 * 20 + 10 * 33 + 10));
  });

  it('cuts rows into multiples of 8, the last chunk aside', () => {
    const plan = mlpPlan(512, 512, 10);
    for (const count of [16, 100, 1000, 5003]) {
      for (const threads of [1, 2, 3]) {
        const chunks = rowsOfTasks(schedulePlan(plan, rows(count), { ...options, threads }));
        assert.equal(
          chunks.reduce((sum, chunk) => sum + chunk, 0),
          count,
        );
        assert.ok(
          chunks.slice(0, -1).every((chunk) => chunk % 8 === 0 && chunk <= 256),
          `${chunks}`,
        );
        if (threads > 1) assert.ok(chunks.length >= threads - 1, `${chunks.length} tasks for ${threads} threads`);
      }
    }
  });

  it('cuts rows so that no step holds the thread for long', () => {
    const plan = mlpPlan(1024, 1024, 10);
    const chunks = rowsOfTasks(schedulePlan(plan, rows(100), { ...options, stepWork: 16 * 1024 * 1024 }));
    assert.ok(Math.max(...chunks) <= 16, `${chunks}`);
  });

  it('cuts long tapes into slices that follow each other', () => {
    const { tasks, tape, tapePtr } = schedulePlan(mlpPlan(512, 512, 512), rows(32), options);
    const slices = tasks.flatMap((task) => task.slices);
    assert.ok(slices.length > 1);
    let at = tapePtr;
    for (const { ptr, bytes } of slices) {
      assert.equal(ptr, at);
      at += bytes;
    }
    assert.equal(at, tapePtr + tape.byteLength);
  });

  it('orders tasks so that each waits for earlier ones only (100 random plans)', () => {
    for (let seed = 0; seed < 100; seed++) {
      const plan = randomPlan(new Random(seed));
      const weightPtrs = plan.weights.map(() => 0);
      const schedule = schedulePlan(plan, rows(200), { ...options, weightPtrs, threads: 2 });
      const { tasks } = schedule;
      assert.ok(tasks.every(({ after }, t) => after.every((before) => before < t)));
      const seen = new Set(tasks.flatMap(({ parts }) => parts));
      assert.equal(seen.size, plan.parts.length);
      assert.ok(schedule.endPtr >= schedule.tablePtr + 4 * tableWords(tasks));
    }
  });

  it('uses the memory of chunks again, on one thread and on several', () => {
    const plan = mlpPlan(1, 512, 1);
    const arenaBytes = (count: number, threads: number) =>
      schedulePlan(plan, rows(count), { ...options, threads }).endPtr - options.basePtr - 8 * count;
    const chunkBytes = 4 * 256 * 512;
    assert.ok(arenaBytes(50_000, 1) < 2 * chunkBytes, `${arenaBytes(50_000, 1)} bytes`);
    assert.ok(arenaBytes(50_000, 2) < 12 * chunkBytes, `${arenaBytes(50_000, 2)} bytes`);
  });

  it('lets a chunk wait for the one whose memory it uses', () => {
    const { tasks } = schedulePlan(mlpPlan(1, 512, 1), rows(5000), { ...options, threads: 2 });
    assert.ok(tasks.length > 8);
    assert.ok(tasks.slice(0, 8).every(({ after }) => after.length === 0));
    assert.ok(tasks.slice(8).every(({ after }, t) => after.includes(t)));
  });

  it('refuses what does not fit, in f64, before anything is allocated', () => {
    const limited = { ...options, limitBytes: 1e6 };
    assert.throws(() => schedulePlan(mlpPlan(), rows(1e5), limited), withCode('MEMORY_LIMIT', '1000000'));
    assert.throws(() => schedulePlan(mlpPlan(), rows(2 ** 31), options), withCode('PACKAGE_INVALID'));
    assert.throws(() => schedulePlan(mlpPlan(2000, 2000, 2000), rows(1e6), options), withCode('MODEL_LIMIT'));
  });
});
