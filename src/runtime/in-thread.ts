/** Runs a schedule slice by slice on the calling thread. */

import { stepName } from './bind-plan.js';
import { KerfError } from './errors.js';
import type { Feeds, Outputs, RunOptions } from './executor.js';
import { bindingsOf, FeedShapes } from './feeds.js';
import type { Machine } from './machine.js';
import { nextTurn } from './next-turn.js';
import { type RunReference, referenceShapes } from './reference.js';
import { RunGuard } from './run-guard.js';
import type { Schedule, Slice } from './schedule.js';
import { elementCount } from './tensor.js';

/** `run` gives the event loop a turn after this long; with the work of one slice it stays below 5 ms. */
const turnMs = 2;

/** Multiply-adds of a step that `run` does not exceed where rows can be cut: about 1 ms. */
const turnStepWork = 16_000_000;

export class InThread {
  runs = 0;
  busyMs = 0;
  /** What `runSync` runs of each schedule when nothing can end it early. */
  readonly #joined = new WeakMap<Schedule, readonly Slice[]>();

  /** The schedule of the last run, for feeds of {@link #shapes}. */
  #last: Schedule | null = null;
  #lastStepWork = 0;
  readonly #shapes: FeedShapes;

  constructor(
    readonly machine: Machine,
    readonly runReference?: RunReference,
  ) {
    this.#shapes = new FeedShapes(machine.plan.inputs);
  }

  /** Copies the feeds in before it returns its promise; never blocks the event loop for more than about 5 ms. */
  async run(feeds: Feeds, options: RunOptions): Promise<Outputs> {
    const guard = RunGuard.of(options);
    guard.check();
    const schedule = this.#start(feeds, turnStepWork);
    const clock = this.#clock;
    let turnStart = clock.now();
    for (const slice of slicesOf(schedule)) {
      if (clock.now() - turnStart > turnMs) {
        this.busyMs += clock.now() - turnStart;
        await nextTurn();
        turnStart = clock.now();
        guard.check();
      }
      this.#runSlice(schedule, slice);
    }
    this.busyMs += clock.now() - turnStart;
    return this.#end(schedule, options);
  }

  runSync(feeds: Feeds, options: RunOptions): Outputs {
    const guard = RunGuard.of(options);
    guard.check();
    const clock = this.#clock;
    const start = clock.now();
    const schedule = this.#start(feeds, Number.POSITIVE_INFINITY);
    for (const slice of guard.isIdle ? this.#joinedSlices(schedule) : slicesOf(schedule)) {
      guard.check();
      this.#runSlice(schedule, slice);
    }
    this.busyMs += clock.now() - start;
    return this.#end(schedule, options);
  }

  /** Whole milliseconds do for the first run, and the precise clock takes Node a millisecond to load. */
  get #clock(): { now(): number } {
    return this.runs === 0 ? Date : performance;
  }

  #joinedSlices(schedule: Schedule): readonly Slice[] {
    let slices = this.#joined.get(schedule);
    if (!slices) {
      slices = joined(slicesOf(schedule));
      this.#joined.set(schedule, slices);
    }
    return slices;
  }

  #start(feeds: Feeds, stepWork: number): Schedule {
    const schedule = this.#scheduleFor(feeds, stepWork);
    this.machine.load(schedule);
    this.machine.writeInputs(schedule, feeds);
    return schedule;
  }

  #scheduleFor(feeds: Feeds, stepWork: number): Schedule {
    if (this.#last && this.#lastStepWork === stepWork && this.#shapes.has(feeds)) return this.#last;
    const { inputs } = this.machine.plan;
    this.#last = this.machine.schedule(bindingsOf(inputs, feeds), { threads: 1, stepWork });
    this.#lastStepWork = stepWork;
    this.#shapes.remember(feeds);
    return this.#last;
  }

  #end(schedule: Schedule, options: RunOptions): Outputs {
    this.runs++;
    return this.machine.readOutputs(schedule, options.outputs);
  }

  #runSlice(schedule: Schedule, slice: Slice): void {
    if (!slice.isReference) this.machine.runSlice(slice);
    else runReferenceSlice(this.machine, schedule, slice, this.runReference!);
  }
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
  const [inputs, outputs] = [operands.slice(0, step.reads.length), operands.slice(step.reads.length)];
  const results = runReference(step, inputs, outputs);
  outputs.forEach((target, i) => {
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
