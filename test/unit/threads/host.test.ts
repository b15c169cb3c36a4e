import assert from 'node:assert/strict';
import { latin1, sharedAt } from '#wasm/plain';
import { compileKernels, kernelsOf } from '../../../src/runtime/kernels.js';
import { Machine } from '../../../src/runtime/machine.js';
import type { Plan } from '../../../src/runtime/plan.js';
import type { Schedule } from '../../../src/runtime/schedule.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../../src/runtime/wasm-executor.js';
import { writeTable } from '../../../src/threads/control.js';
import { ThreadHost } from '../../../src/threads/host.js';
import { blockPlan } from '../../support/block-plan.js';
import { withCode } from '../../support/codes.js';
import { Random } from '../../support/random.js';

const never = () => false;

function hostOf(plan: Plan): ThreadHost {
  const machine: Machine = new Machine(plan, {
    kernels: kernelsOf(compileKernels(latin1, sharedAt)),
    isShared: true,
    limitBytes: 2 ** 30,
    onLoad: (schedule) => writeTable(machine.memory, schedule),
  });
  return new ThreadHost(machine, 2);
}

function loaded(host: ThreadHost, x0: Tensor): Schedule {
  const { machine } = host;
  const schedule = machine.schedule(new Map([['batch', x0.dims[0]]]), { threads: 2, stepWork: 1e9 });
  machine.load(schedule);
  machine.writeInputs(schedule, { x0 });
  return schedule;
}

describe('ThreadHost', () => {
  const plan = blockPlan(4, 256, 4, new Random(4));
  const x0 = new Tensor('float32', new Random(3).floats(64 * 256), [64, 256]);
  const expected = createWasmExecutor(plan).runSync({ x0 }, {}).y.data;

  async function runsRight(host: ThreadHost): Promise<void> {
    const schedule = loaded(host, x0);
    await host.run(schedule, never);
    assert.deepEqual(host.machine.readOutputs(schedule).y.data, expected);
  }

  it('reports a trap with its task, and computes again after it was restored', async () => {
    const host = hostOf(plan);
    const schedule = loaded(host, x0);
    const outside = { ...schedule.tasks[1].slices[0], ptr: 2 ** 32 - 64, bytes: 32 };
    const tasks = schedule.tasks.map((task, t) => (t === 1 ? { ...task, slices: [outside] } : task));
    const trapping = { ...schedule, tasks };
    for (const run of ['run', 'runSync'] as const) {
      host.machine.load({ ...trapping });
      await host[run](trapping, never);
      assert.deepEqual(host.failure(), { isTrap: true, task: 1, slice: 0, step: 0 });
      host.restore();
      await runsRight(host);
      assert.equal(host.failure(), null);
    }
    await host.close();
  });

  it('ends a run with a coded error when a worker dies in it, and restores the threads', async () => {
    const host = hostOf(plan);
    for (let death = 0; death < 3; death++) {
      await host.warm();
      const running = host.run(loaded(host, new Tensor('float32', new Float32Array(4096 * 256), [4096, 256])), never);
      setTimeout(() => void host.workers[death % 2]?.terminate(), 5);
      await assert.rejects(running, withCode('WORKER_FAILED', 'run again'));
      await runsRight(host);
    }
    await host.close();
  });

  it('keeps computing when a worker dies between runs', async () => {
    const host = hostOf(plan);
    await runsRight(host);
    await host.workers[0].terminate();
    const schedule = loaded(host, x0);
    host.runSync(schedule, never);
    assert.deepEqual(host.machine.readOutputs(schedule).y.data, expected);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await runsRight(host);
    await host.close();
  });

  it('computes in a synchronous loop that never lets the event loop turn', async () => {
    const host = hostOf(plan);
    for (let i = 0; i < 50; i++) {
      const schedule = loaded(host, x0);
      host.runSync(schedule, never);
      assert.deepEqual(host.machine.readOutputs(schedule).y.data, expected);
    }
    await host.close();
  });

  it('starts other workers when the memory was made anew', async () => {
    const host = hostOf(plan);
    await runsRight(host);
    host.machine.renew();
    await runsRight(host);
    await host.close();
  });

  it('lets go of its workers when nothing runs', async () => {
    const host = hostOf(plan);
    await runsRight(host);
    // The lease is a tenth of a second; a busy machine may be late by much more, so only its end is awaited.
    for (let waited = 0; host.parked > 0 && waited < 5000; waited += 20) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(host.parked, 0);
    await runsRight(host);
    await host.close();
  });
});
