/**
 * Places a bound plan in memory and writes it as tapes for the step loop.
 *
 *     base ─▶ | ports: inputs, outputs | chunk 0: shared, arena of task 0, 1, .. | chunk 1: .. | table | tapes | ─▶ end
 *
 * Ports hold all rows. A buffer that several parts touch lives as long as its chunk; one that a single part touches lies
 * in that part's arena, placed by lifetime. Chunk c uses the memory of chunk c - slots again, which has ended by then;
 * with one thread there is one slot.
 */
import { checkRaces } from '#races';
import { orderTasks, unitsOf } from '#task-order';
import { type BoundPlan, type BoundStep, bindPlan } from './bind-plan.js';
import { KerfError } from './errors.js';
import { type Bindings, evaluate } from './extent.js';
import { alignBytes, alignmentBytes } from './liveness.js';
import { type ChunkPlace, type Place, placeChunk, scratchOf } from './placement.js';
import type { PlanPort } from './plan.js';

import { chooseRowChunks, type RowChunk } from './row-chunks.js';
import type { OrderedTask, Unit } from './task-order.js';
import { type DType, elementBytes, elementCount } from './tensor.js';
import { maySkipZeros } from './zero-skipping.js';

/** Multiply-adds after which a tape is cut, so that signals are read and the event loop turns: well below 1 ms. */
const sliceWork = 2_000_000;

/** Chunks for each thread that have memory of their own, so that threads rarely wait for each other. */
const slotsPerThread = 4;

/** Consecutive steps of one task: what one call of the step loop runs, or one reference step. */
export interface Slice {
  readonly ptr: number;
  readonly bytes: number;
  readonly work: number;
  readonly steps: readonly BoundStep[];
  readonly isReference: boolean;
  /** Byte address of each operand of a reference step, by slot. */
  readonly operandPtrs: readonly number[];
}

/** What one thread claims and runs to its end: a part, or all parts, over one row chunk. */
export interface Task {
  readonly parts: readonly number[];
  /** Tasks that must have ended before; all of smaller index. */
  readonly after: readonly number[];
  readonly slices: readonly Slice[];
  readonly work: number;
}

/** An input or output of this run. */
export interface PortPlace {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly size: number;
  readonly ptr: number;
}

export interface Schedule {
  readonly bindings: Bindings;
  readonly tasks: readonly Task[];
  readonly inputs: readonly PortPlace[];
  readonly outputs: readonly PortPlace[];
  readonly tapePtr: number;
  readonly tape: Int32Array;
  /** Start of `tableWords(tasks)` words for whoever hands tasks to threads. */
  readonly tablePtr: number;
  /** First byte behind everything. */
  readonly endPtr: number;
  readonly work: number;
}

export interface ScheduleOptions {
  readonly threads: number;
  /** Multiply-adds of a step above which rows are cut into more chunks. */
  readonly stepWork: number;
  /** First byte that the schedule may use. */
  readonly basePtr: number;
  /** Byte address of each weight. */
  readonly weightPtrs: readonly number[];
  /** For each weight its [N, K] if zero inputs may be skipped, see zero-skipping.ts; nothing is skipped if absent. */
  readonly skippable?: readonly (readonly number[] | null)[];
  /** Memory budget in bytes. */
  readonly limitBytes: number;
}

/** Words of the table of tasks: 8 a task, 2 a slice, 1 a dependency. */
export function tableWords(tasks: readonly Task[]): number {
  return tasks.reduce((sum, { slices, after }) => sum + 8 + 2 * slices.length + after.length, 0);
}

/**
 * Schedules `bound` on `threads` threads.
 * @throws PACKAGE_INVALID as {@link bindPlan}; MEMORY_LIMIT when it needs more than `limitBytes`
 */
export function schedulePlan(plan: BoundPlan['plan'], bindings: Bindings, options: ScheduleOptions): Schedule {
  const whole = bindPlan(plan, bindings);
  const chunks = chooseRowChunks(whole, options);
  const units = unitsOf(whole, options.threads, chunks.length);
  if (units.length > 1) for (const bound of new Set(chunks.map((chunk) => chunk.bound))) checkRaces(bound);
  const ports = placePorts(whole, options.basePtr);
  const slots = options.threads === 1 ? 1 : slotsPerThread * options.threads;
  const places: ChunkPlace[] = [];
  let endPtr = ports.endPtr;
  for (const [c, chunk] of chunks.entries()) {
    const isReused = c >= slots && (slots === 1 || chunk.bound === chunks[0].bound);
    const basePtr = isReused ? places[c - slots].basePtr : slots === 1 ? ports.endPtr : endPtr;
    places.push(placeChunk(chunk.bound, units, basePtr, portAddresses(whole, chunk, ports.ptrs)));
    endPtr = Math.max(endPtr, places[c].endPtr);
    checkBudget(endPtr, options.limitBytes);
  }
  const order = orderTasks(units, chunks, slots);
  return writeTapes({ whole, chunks, units, places, order, ports, tapePtr: alignBytes(endPtr) }, options);
}

function checkBudget(endPtr: number, limitBytes: number): void {
  if (endPtr <= limitBytes) return;
  throw new KerfError(
    'MEMORY_LIMIT',
    'run',
    `too much memory: got ${endPtr} bytes, expected at most ${limitBytes}. Use fewer rows or raise limits.memoryBytes.`,
    { got: endPtr, expected: limitBytes },
  );
}

interface Ports {
  /** Byte address by buffer. */
  readonly ptrs: ReadonlyMap<number, number>;
  readonly endPtr: number;
}

function placePorts({ plan, sizes }: BoundPlan, basePtr: number): Ports {
  const ptrs = new Map<number, number>();
  let ptr = alignBytes(basePtr);
  for (const { buffer } of [...plan.inputs, ...plan.outputs]) {
    if (ptrs.has(buffer)) continue;
    ptrs.set(buffer, ptr);
    ptr += alignBytes(sizes[buffer] * elementBytes(plan.buffers[buffer].dtype));
  }
  return { ptrs, endPtr: ptr };
}

/** The ports' addresses as one chunk sees them: moved to its first row. */
function portAddresses(whole: BoundPlan, { first }: RowChunk, ptrs: ReadonlyMap<number, number>) {
  if (first === 0) return ptrs;
  const { plan, bindings, sizes } = whole;
  const rows = bindings.get(plan.rows!)!;
  const rowBytes = (buffer: number) => (sizes[buffer] / rows) * elementBytes(plan.buffers[buffer].dtype);
  return new Map([...ptrs].map(([buffer, ptr]) => [buffer, ptr + first * rowBytes(buffer)]));
}

/** Everything of a schedule but its tapes. */
interface Layout {
  readonly whole: BoundPlan;
  readonly chunks: readonly RowChunk[];
  readonly units: readonly Unit[];
  /** By chunk. */
  readonly places: readonly ChunkPlace[];
  readonly order: readonly OrderedTask[];
  readonly ports: Ports;
  readonly tapePtr: number;
}

function writeTapes(layout: Layout, options: ScheduleOptions): Schedule {
  const { whole, chunks, units, places, order, ports, tapePtr } = layout;
  const words: number[] = [];
  const tasks = order.map(({ unit, chunk, after, work }): Task => {
    const steps = units[unit].steps.map((step) => chunks[chunk].bound.steps[step]);
    const slices = encodeSlices(steps, places[chunk].units[unit], options, tapePtr, words);
    return { parts: units[unit].parts, after, slices, work };
  });
  const tablePtr = alignBytes(tapePtr + 4 * words.length);
  // One cache line more, so that a vector load of the last elements stays inside the memory.
  const endPtr = alignBytes(tablePtr + 4 * tableWords(tasks)) + alignmentBytes;
  checkBudget(endPtr, options.limitBytes);
  const place = (port: PlanPort): PortPlace => {
    const dims = port.shape.map((dim) => evaluate(dim, whole.bindings));
    const { name, dtype } = port;
    return { name, dtype, dims, size: elementCount(dims), ptr: ports.ptrs.get(port.buffer)! };
  };
  return {
    bindings: whole.bindings,
    tasks,
    inputs: whole.plan.inputs.map(place),
    outputs: whole.plan.outputs.map(place),
    tapePtr,
    tape: Int32Array.from(words),
    tablePtr,
    endPtr,
    work: whole.work,
  };
}

/** Appends the steps' records `| opcode | words | word.. |` to `words` and cuts them into slices. */
function encodeSlices(
  steps: readonly BoundStep[],
  place: Place,
  { weightPtrs, skippable }: ScheduleOptions,
  tapePtr: number,
  words: number[],
): Slice[] {
  const slices: Slice[] = [];
  let open: BoundStep[] = [];
  let start = words.length;
  const close = () => {
    const work = open.reduce((sum, step) => sum + step.work, 0);
    const bytes = 4 * (words.length - start);
    if (open.length) {
      slices.push({ ptr: tapePtr + 4 * start, bytes, work, steps: open, isReference: false, operandPtrs: [] });
    }
    start = words.length;
    open = [];
  };
  let work = 0;
  for (const step of steps) {
    const ptrs = operandPtrs(step, place, weightPtrs);
    if (step.kind === null) {
      close();
      slices.push({ ptr: 0, bytes: 0, work: 0, steps: [step], isReference: true, operandPtrs: ptrs });
      continue;
    }
    const getsScratch = step.kind.needsScratch || (skippable && maySkipZeros(step, skippable));
    const scratchPtr = getsScratch ? place.get(scratchOf(step.index)) : 0;
    const encoded = step.kind.encode(step.params, ptrs, scratchPtr);
    words.push(step.kind.opcode, encoded.length + 2, ...encoded);
    open.push(step);
    work += step.work;
    if (work < sliceWork) continue;
    close();
    work = 0;
  }
  close();
  return slices;
}

function operandPtrs(step: BoundStep, place: Place, weightPtrs: readonly number[]): number[] {
  return step.operands.map((operand) => {
    if (!operand) return 0;
    const start = operand.isWeight ? weightPtrs[operand.index] : place.get(operand.index)!;
    return start + operand.offset * elementBytes(operand.dtype);
  });
}
