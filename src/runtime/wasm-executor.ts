/** Runs a plan on the calling thread. */

import { stepName } from './bind-plan.js';
import { KerfError } from './errors.js';
import type { Executor, Feeds, Outputs, RunOptions, SessionStats } from './executor.js';
import { bindingsOf } from './feeds.js';
import { plainModule } from './kernels.js';
import { Machine } from './machine.js';
import { nextTurn } from './next-turn.js';
import type { Plan } from './plan.js';
import { type RunReference, referenceShapes, refuseReferences } from './reference.js';
import { RunGuard } from './run-guard.js';
import type { Schedule, Slice } from './schedule.js';
import { elementCount } from './tensor.js';

/** Default memory budget in bytes. */
export const defaultMemoryBytes = 2 ** 31;

/** `run` gives the event loop a turn after this long; with the work of one slice it stays below 5 ms. */
const turnMs = 2;

/** Multiply-adds of a step that `run` does not exceed where rows can be cut: about 1 ms. */
const turnStepWork = 16_000_000;

export interface WasmExecutorOptions {
  /** A compiled runtime module, for hosts that refuse to compile from bytes. */
  readonly wasmModule?: WebAssembly.Module;
  /** Limit on the WASM memory of the session; default 2 GiB. */
  readonly memoryBytes?: number;
  /** Runs the reference steps; without it a plan that has any is refused. */
  readonly runReference?: RunReference;
}

/**
 * An executor on the calling thread.
 * @throws REFERENCE_STEP when the plan needs steps that only the tool has; MEMORY_LIMIT when the weights do not fit
 */
export function createWasmExecutor(plan: Plan, options: WasmExecutorOptions = {}): Executor {
  return new WasmExecutor(plan, options);
}

class WasmExecutor implements Executor {
  readonly #machine: Machine;
  readonly #runReference: RunReference | undefined;
  #runs = 0;
  #busyMs = 0;

  constructor(plan: Plan, options: WasmExecutorOptions) {
    if (!options.runReference) refuseReferences(plan.steps);
    this.#runReference = options.runReference;
    this.#machine = new Machine(plan, {
      module: options.wasmModule ?? plainModule(),
      limitBytes: options.memoryBytes ?? defaultMemoryBytes,
    });
  }

  async run(feeds: Feeds, options: RunOptions): Promise<Outputs> {
    const guard = new RunGuard(options);
    guard.check();
    const schedule = this.#start(feeds, turnStepWork);
    let turnStart = performance.now();
    for (const slice of slicesOf(schedule)) {
      if (performance.now() - turnStart > turnMs) {
        this.#busyMs += performance.now() - turnStart;
        await nextTurn();
        turnStart = performance.now();
        guard.check();
      }
      this.#runSlice(schedule, slice);
    }
    this.#busyMs += performance.now() - turnStart;
    return this.#end(schedule, options);
  }

  runSync(feeds: Feeds, options: RunOptions): Outputs {
    const guard = new RunGuard(options);
    guard.check();
    const start = performance.now();
    const schedule = this.#start(feeds, Number.POSITIVE_INFINITY);
    const slices = slicesOf(schedule);
    for (const slice of guard.isIdle ? joined(slices) : slices) {
      if (!guard.isIdle) guard.check();
      this.#runSlice(schedule, slice);
    }
    this.#busyMs += performance.now() - start;
    return this.#end(schedule, options);
  }

  #start(feeds: Feeds, stepWork: number): Schedule {
    const { plan } = this.#machine;
    const schedule = this.#machine.load(bindingsOf(plan.inputs, feeds), { threads: 1, stepWork });
    this.#machine.writeInputs(schedule, feeds);
    return schedule;
  }

  #end(schedule: Schedule, options: RunOptions): Outputs {
    this.#runs++;
    return this.#machine.readOutputs(schedule, options.outputs);
  }

  #runSlice(schedule: Schedule, slice: Slice): void {
    if (!slice.isReference) this.#machine.runSlice(slice);
    else runReferenceSlice(this.#machine, schedule, slice, this.#runReference!);
  }

  async warm(): Promise<void> {}

  stats(): SessionStats {
    const parts = this.#runs ? this.#machine.plan.parts.map(({ id }) => id) : [];
    const threads = [{ threadId: 0, parts, busyMs: this.#busyMs }];
    return { runs: this.#runs, fallbackRate: 0, provider: 'wasm', threads };
  }

  async release(): Promise<void> {}
}

function slicesOf({ tasks }: Schedule): readonly Slice[] {
  return tasks.length === 1 ? tasks[0].slices : tasks.flatMap(({ slices }) => slices);
}

/** Neighbouring slices of kernel steps as one: their tapes follow each other in memory. */
function joined(slices: readonly Slice[]): readonly Slice[] {
  if (slices.length < 2) return slices;
  const whole: Slice[] = [];
  for (const slice of slices) {
    const last = whole.at(-1);
    if (!last || last.isReference || slice.isReference) whole.push(slice);
    else {
      const [bytes, work] = [last.bytes + slice.bytes, last.work + slice.work];
      whole[whole.length - 1] = { ...last, bytes, work, steps: [...last.steps, ...slice.steps] };
    }
  }
  return whole;
}

function runReferenceSlice(machine: Machine, schedule: Schedule, slice: Slice, runReference: RunReference): void {
  const { step, index } = slice.steps[0];
  const shapes = referenceShapes(step, schedule.bindings);
  const operands = shapes.map((dims, slot) => machine.operandTensor(slice, slot, dims));
  const results = runReference(step, operands.slice(0, step.reads.length));
  operands.slice(step.reads.length).forEach((target, i) => {
    const result = results[i];
    if (result?.type !== target.type || elementCount(result.dims) !== target.size) {
      throw new KerfError(
        'INTERNAL',
        stepName(step, index),
        `output ${i} differs from the plan: got ${result?.type} [${result?.dims}], expected ${target.type} [${target.dims}]. Please report the model.`,
      );
    }
    (target.data as Float32Array).set(result.data as Float32Array);
  });
}
