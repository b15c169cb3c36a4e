/**
 * One kernel instance with its memory: holds a plan's weights and the schedules of the last bindings.
 *
 *     memory: | static data | control | weights .. | schedule: ports, arenas, table, tapes |
 *
 * One schedule is in memory at a time; its tape is copied in again when the bindings change.
 */

import { loadedDtype, stepName } from './bind-plan.js';
import { KerfError } from './errors.js';
import type { Feeds, Outputs } from './executor.js';
import type { Bindings } from './extent.js';
import { bindRuntime, type Kernels, type RuntimeKernels } from './kernels.js';
import { alignBytes } from './liveness.js';
import type { Plan } from './plan.js';
import { type PortPlace, type Schedule, type Slice, schedulePlan } from './schedule.js';
import { ScheduleCache } from './schedule-cache.js';
import { allocate, elementBytes, elementCount, Tensor, type TensorData, viewOf } from './tensor.js';
import { createMemory, maximumPages, pageBytes } from './wasm.js';
import { skippableShape } from './zero-skipping.js';

/** Bytes behind the static data for words that threads share. */
export const controlBytes = 4096;

export interface MachineOptions {
  readonly kernels: Kernels;
  readonly isShared?: boolean;
  /** Memory budget in bytes, at most 4 GiB. */
  readonly limitBytes: number;
  /** False: never leaves out the terms of zero inputs; for measuring what that gains. */
  readonly skipsZeros?: boolean;
  /** Called when a schedule has been loaded into memory. */
  readonly onLoad?: (schedule: Schedule) => void;
  /** Cuts a plan for the threads that run it, see threads/split-steps.ts. */
  readonly split?: (plan: Plan, bindings: Bindings, threads: number) => Plan;
}

export class Machine {
  #memory: WebAssembly.Memory;
  #kernels: RuntimeKernels;
  #loaded: Schedule | null = null;
  readonly #views = new Map<PortPlace, TensorData>();
  readonly #schedules = new ScheduleCache();
  /** Byte address of {@link controlBytes} bytes. */
  readonly controlPtr: number;
  readonly #weightPtrs: readonly number[];
  readonly #skippable: readonly (readonly number[] | null)[];
  readonly #basePtr: number;

  /**
   * Instantiates the kernels and copies the weights in.
   * @throws MEMORY_LIMIT when the weights alone exceed the budget
   */
  constructor(
    readonly plan: Plan,
    readonly options: MachineOptions,
  ) {
    this.#memory = createMemory(1, options.isShared);
    this.#kernels = bindRuntime(options.kernels, this.#memory);
    this.controlPtr = alignBytes(this.#kernels.heap_base());
    let ptr = this.controlPtr + controlBytes;
    this.#weightPtrs = plan.weights.map((weight) => {
      const at = ptr;
      ptr += alignBytes(weight.data.length * elementBytes(loadedDtype(weight)));
      return at;
    });
    this.#basePtr = ptr;
    this.#fill();
    this.#skippable = plan.weights.map((weight, w) => skippableShape(weight, this.#weightPtrs[w], this.#kernels));
  }

  get memory(): WebAssembly.Memory {
    return this.#memory;
  }

  get kernels(): RuntimeKernels {
    return this.#kernels;
  }

  /** Throws the instance and its memory away and makes them anew: what a trap left behind is not trusted. */
  renew(): void {
    this.#memory = createMemory(1, this.options.isShared);
    this.#kernels = bindRuntime(this.options.kernels, this.#memory);
    this.#loaded = null;
    this.#fill();
  }

  #fill(): void {
    this.grow(this.#basePtr);
    this.plan.weights.forEach((weight, w) => {
      const { length, buffer, byteOffset, byteLength } = weight.data;
      const [ptr, isHalf] = [this.#weightPtrs[w], loadedDtype(weight) !== weight.dtype];
      // Halves stand behind the place of what they become, so that one pass widens them.
      const at = isHalf ? ptr + byteLength : ptr;
      new Uint8Array(this.#memory.buffer).set(new Uint8Array(buffer, byteOffset, byteLength), at);
      if (isHalf) this.#kernels.f16_widen(ptr, at, length);
    });
  }

  /** Makes the memory at least `endPtr` bytes long. */
  grow(endPtr: number): void {
    if (endPtr > Math.min(this.options.limitBytes, maximumPages * pageBytes)) throw memoryLimit(endPtr);
    const missing = Math.ceil((endPtr - this.#memory.buffer.byteLength) / pageBytes);
    if (missing <= 0) return;
    try {
      this.#memory.grow(missing);
    } catch (cause) {
      throw memoryLimit(endPtr, cause);
    }
  }

  /**
   * The schedule of `bindings`, from the cache or made.
   * @param mode  how to cut the work; part of the cache's key
   */
  schedule(bindings: Bindings, mode: { readonly threads: number; readonly stepWork: number }): Schedule {
    return this.#schedules.get(`${[...bindings.values()].join()}/${mode.threads}/${mode.stepWork}`, () =>
      schedulePlan(this.options.split?.(this.plan, bindings, mode.threads) ?? this.plan, bindings, {
        ...mode,
        basePtr: this.#basePtr,
        weightPtrs: this.#weightPtrs,
        ...(this.options.skipsZeros === false ? {} : { skippable: this.#skippable }),
        limitBytes: Math.min(this.options.limitBytes, maximumPages * pageBytes),
      }),
    );
  }

  /** Makes room for a schedule and copies its tape in, if it is not the one that is there. */
  load(schedule: Schedule): void {
    if (this.#loaded === schedule) return;
    this.grow(schedule.endPtr);
    new Int32Array(this.#memory.buffer, schedule.tapePtr, schedule.tape.length).set(schedule.tape);
    this.options.onLoad?.(schedule);
    this.#views.clear();
    this.#loaded = schedule;
  }

  /** Copies the feeds into the input ports. */
  writeInputs(schedule: Schedule, feeds: Feeds): void {
    for (const port of schedule.inputs) (this.#view(port) as Float32Array).set(feeds[port.name].data as Float32Array);
  }

  /** The outputs as fresh arrays. */
  readOutputs(schedule: Schedule, names?: readonly string[]): Outputs {
    const outputs: Outputs = {};
    for (const port of schedule.outputs) {
      if (names && !names.includes(port.name)) continue;
      const data = allocate(port.dtype, port.size);
      (data as Float32Array).set(this.#view(port) as Float32Array);
      const value = new Tensor(port.dtype, data, [...port.dims]);
      // Assigning would set the prototype instead.
      if (port.name === '__proto__') Object.defineProperty(outputs, port.name, { value, enumerable: true });
      else outputs[port.name] = value;
    }
    return outputs;
  }

  /** A view of a port of the loaded schedule, kept while the memory does not grow. */
  #view(port: PortPlace): TensorData {
    let view = this.#views.get(port);
    if (view?.buffer !== this.#memory.buffer) {
      view = viewOf(port.dtype, this.#memory.buffer, port.ptr, port.size);
      this.#views.set(port, view);
    }
    return view;
  }

  /**
   * Runs one slice of kernel steps.
   * @throws DATA_INVALID naming the step that met an index outside its operand; KERNEL_TRAP after a trap, with the
   *   instance renewed
   */
  runSlice(slice: Slice): void {
    let failed: number;
    try {
      failed = this.#kernels.run_steps(slice.ptr, slice.bytes);
    } catch (cause) {
      this.renew();
      throw kernelTrap(cause);
    }
    if (failed !== 0) throw dataInvalid(slice, failed - 1);
  }

  /** A tensor over the memory of an operand of a reference step; gone when the memory grows. */
  operandTensor(slice: Slice, slot: number, dims: readonly number[]): Tensor {
    const { dtype } = slice.steps[0].operands[slot]!;
    return new Tensor(dtype, viewOf(dtype, this.#memory.buffer, slice.operandPtrs[slot], elementCount(dims)), dims);
  }
}

function memoryLimit(endPtr: number, cause?: unknown): KerfError {
  return new KerfError(
    'MEMORY_LIMIT',
    'memory',
    `it cannot grow that far: got a need of ${endPtr} bytes. Use fewer rows, or raise limits.memoryBytes.`,
    { got: endPtr },
    { cause },
  );
}

/** The error of a kernel that trapped. */
export function kernelTrap(cause: unknown): KerfError {
  return new KerfError(
    'KERNEL_TRAP',
    'kernels',
    `the step loop trapped: got "${String(cause)}". The session was restored; please report the model.`,
    {},
    { cause },
  );
}

/** The error of step `position` of a slice, whose data held an index outside its operand. */
export function dataInvalid(slice: Slice, position: number): KerfError {
  const { step, index } = slice.steps[position] ?? slice.steps[0];
  return new KerfError(
    'DATA_INVALID',
    stepName(step, index),
    'an index in its data is out of range. Check the values of the inputs.',
  );
}
