import { partsAtOnce } from '#task-order';
import { type BoundPlan, bindPlan } from './bind-plan.js';
import { type Bindings, equals, evaluate, symbol } from './extent.js';
import type { Plan, PlanPort } from './plan.js';
import { referenceKind } from './reference.js';
import { elementCount } from './tensor.js';

/** Chunks are multiples of it, so that only the last one has ragged tiles. */
const chunkRows = 8;

/** More rows at a time gain nothing and leave the cache. */
const maximumChunkRows = 256;

/** Most chunks of one run, which bounds the tapes of huge batches. */
const maximumChunks = 1024;

/** Multiply-adds of a task below which a thread is not worth waking. */
const minimumTaskWork = 250_000;

/** Rows [first, first + bound rows) of a run, and the plan bound to that many rows. */
export interface RowChunk {
  readonly first: number;
  readonly bound: BoundPlan;
}

/** What limits the size of a chunk. */
export interface ChunkLimits {
  readonly threads: number;
  /** Multiply-adds of one step, which is never interrupted. */
  readonly stepWork: number;
}

/** Whether a port is a list of rows, none of which depends on how many there are. */
export function isRowMajor(port: PlanPort, rows: string): boolean {
  const [first, ...rest] = port.shape;
  const mentions = rest.some((dim) => typeof dim !== 'number' && dim.some(([, ...names]) => names.includes(rows)));
  return first !== undefined && equals(first, symbol(rows)) && !mentions;
}

function fillsBuffer(bound: BoundPlan, port: PlanPort): boolean {
  return elementCount(port.shape.map((dim) => evaluate(dim, bound.bindings))) === bound.sizes[port.buffer];
}

function wantedRows(whole: BoundPlan, rows: number, { threads, stepWork }: ChunkLimits): number {
  const heaviest = whole.steps.reduce((most, step) => Math.max(most, step.work), 0);
  const parts = partsAtOnce(whole);
  const enough = Math.ceil((4 * threads) / parts);
  const byThreads = threads > 1 ? Math.max(rows / enough, (rows * minimumTaskWork * parts) / whole.work) : rows;
  const byWork = (rows * stepWork) / Math.max(1, heaviest);
  return Math.max(Math.min(byThreads, byWork, maximumChunkRows), rows / maximumChunks);
}

/**
 * Cuts a run into row chunks, or leaves it whole.
 * @param whole  the plan bound to all rows
 */
export function chooseRowChunks(whole: BoundPlan, limits: ChunkLimits): RowChunk[] {
  const { plan, bindings } = whole;
  const rows = plan.rows === null ? 0 : (bindings.get(plan.rows) ?? 0);
  const uncut = [{ first: 0, bound: whole }];
  if (plan.rows === null || rows < 2 * chunkRows) return uncut;
  if (plan.steps.some((step) => step.kind === referenceKind)) return uncut;
  const ports = [...plan.inputs, ...plan.outputs];
  if (!ports.every((port) => isRowMajor(port, plan.rows!) && fillsBuffer(whole, port))) return uncut;
  const wanted = wantedRows(whole, rows, limits);
  const size = Math.max(1, Math.ceil(wanted / chunkRows)) * chunkRows;
  return size >= rows ? uncut : cut(plan, plan.rows, bindings, rows, size);
}

function cut(plan: Plan, symbolName: string, bindings: Bindings, rows: number, size: number): RowChunk[] {
  const bind = (count: number) => bindPlan(plan, new Map([...bindings, [symbolName, count]]));
  const full = bind(size);
  const rest = rows % size === 0 ? full : bind(rows % size);
  return Array.from({ length: Math.ceil(rows / size) }, (_, c) => ({
    first: c * size,
    bound: (c + 1) * size <= rows ? full : rest,
  }));
}
