/**
 * A cascade: the compressed network computes every row; the rows of which it is not sure, and those outside its support, go
 * to the original, in one batch.
 *
 *     feeds ─▶ compressed ─▶ margins ─▶ rows under tau ─┐
 *       │          │                                    ├─▶ original ─┐
 *       └──────────│──────▶ support ─▶ rows outside ────┘             │
 *                  └────────────── outputs ◀── rows in their place ───┘
 */
import { plainKernels } from '#plain-kernels';
import type { Executor, Feeds, Outputs, RunOptions, SessionStats, ThreadStats } from './executor.js';
import { type FallbackOptions, FallbackWatch } from './fallback-watch.js';
import type { Kernels } from './kernels.js';
import { type MarginRule, Margins } from './margins.js';
import type { Plan, PlanPort } from './plan.js';
import { isRowMajor } from './row-chunks.js';
import { gatherRows, joinRows, scatterRows } from './row-sets.js';
import { timedOut } from './run-guard.js';
import { rowsOutside, type Support, supportProblem } from './support.js';
import { allocate, Tensor } from './tensor.js';

/** When a row goes to the original; without outputs that decide, no margin does it. */
export interface CascadeRule extends MarginRule {
  /** A row whose margin is below it, or not a number, goes to the original. */
  readonly tau: number;
  /** Inputs outside of it go to the original; absent: every input is inside. */
  readonly support?: Support;
  /** Largest rate of fallback that the certificate covers. */
  readonly maxFallbackRate: number;
}

/** The original network and the rule, as a package carries them beside the compressed plan. */
export interface Cascade {
  readonly plan: Plan;
  readonly rule: CascadeRule;
}

export interface CascadeOptions extends FallbackOptions {
  readonly kernels?: Kernels;
}

/**
 * Whether a row of the outputs depends on the row of the inputs alone, for every input and output. Where one row is all
 * that a run takes, there are no others.
 */
export function isByRow({ rows, inputs, outputs }: Plan): boolean {
  const ports = [...inputs, ...outputs];
  return ports.every(({ shape }) => shape[0] === 1) || (rows !== null && ports.every((port) => isRowMajor(port, rows)));
}

/**
 * Why two plans cannot form a cascade under a rule; undefined when they can: both compute row by row, have the same
 * inputs and outputs, and the rule reads float32 outputs and inputs.
 */
export function cascadeProblem(compressed: Plan, { plan, rule }: Cascade): string | undefined {
  if (!isByRow(compressed) || !isByRow(plan)) return 'a row of its outputs may depend on more than a row of its inputs';
  const ports = (list: readonly PlanPort[]) =>
    JSON.stringify(list.map(({ name, dtype, shape }) => [name, dtype, shape]));
  if (ports(compressed.inputs) !== ports(plan.inputs) || ports(compressed.outputs) !== ports(plan.outputs)) {
    return 'its two plans differ in their inputs or outputs';
  }
  const isDecided = (name: string) => plan.outputs.some((port) => port.name === name && port.dtype === 'float32');
  const { outputs, support = [] } = rule;
  if (outputs.length + support.length === 0 || !outputs.every(isDecided))
    return 'it has no float32 output to read margins from';
  return supportProblem(support, plan.inputs);
}

/**
 * An executor that runs a cascade. The bits of a row do not depend on threads, on the batch, or on the rows beside it.
 * @param compressed  runs every row; owned from now on, as is `original`
 * @throws OPTION_INVALID
 */
export function createCascadeExecutor(
  rule: CascadeRule,
  compressed: Executor,
  original: Executor,
  options: CascadeOptions = {},
): Executor {
  return new CascadeExecutor(rule, compressed, original, options);
}

class CascadeExecutor implements Executor {
  readonly #margins: Margins;
  readonly #watch: FallbackWatch;
  /** By input name, room for the feeds of a run; kept, since fresh memory is slow. */
  readonly #kept = new Map<string, Float32Array>();
  #runs = 0;
  /** Of the rows that the original computed, those outside the support. */
  #outside = 0;

  constructor(
    readonly rule: CascadeRule,
    readonly compressed: Executor,
    readonly original: Executor,
    options: CascadeOptions,
  ) {
    this.#margins = new Margins(rule, options.kernels ?? plainKernels());
    this.#watch = new FallbackWatch(rule.maxFallbackRate, options);
  }

  async run(feeds: Feeds, options: RunOptions): Promise<Outputs> {
    const rows = rowsOf(feeds);
    const outside = rowsOutside(this.rule.support ?? [], feeds, rows);
    if (this.#watch.isDense) return this.#end(await this.original.run(feeds, options), rows, rows, outside, options);
    // The caller may change its arrays once this function has returned its promise.
    const own = this.#keep(feeds);
    const rest = restOf(options);
    const outputs = await this.compressed.run(feeds, this.#withDecisions(options));
    const unsure = joinRows(outside, this.#margins.rowsBelow(outputs, this.rule.tau));
    if (unsure.length > 0) scatterRows(outputs, await this.original.run(gatherRows(own, unsure), rest()), unsure);
    return this.#end(outputs, rows, unsure.length, outside, options);
  }

  runSync(feeds: Feeds, options: RunOptions): Outputs {
    const rows = rowsOf(feeds);
    const outside = rowsOutside(this.rule.support ?? [], feeds, rows);
    if (this.#watch.isDense) return this.#end(this.original.runSync(feeds, options), rows, rows, outside, options);
    const rest = restOf(options);
    const outputs = this.compressed.runSync(feeds, this.#withDecisions(options));
    const unsure = joinRows(outside, this.#margins.rowsBelow(outputs, this.rule.tau));
    if (unsure.length > 0) scatterRows(outputs, this.original.runSync(gatherRows(feeds, unsure), rest()), unsure);
    return this.#end(outputs, rows, unsure.length, outside, options);
  }

  async warm(): Promise<void> {
    await Promise.all([this.compressed.warm(), this.original.warm()]);
  }

  stats(): SessionStats {
    const { provider, threads } = this.compressed.stats();
    const joined = joinThreads(threads, this.original.stats().threads);
    const { rate, rows } = this.#watch;
    const support = rows === 0 ? 0 : this.#outside / rows;
    const fallback = { rows, support, margin: rate - support };
    return { runs: this.#runs, fallbackRate: rate, fallback, provider, threads: joined };
  }

  async release(): Promise<void> {
    await Promise.all([this.compressed.release(), this.original.release()]);
  }

  #end(outputs: Outputs, rows: number, fallen: number, outside: Int32Array, { outputs: names }: RunOptions): Outputs {
    this.#runs++;
    this.#outside += outside.length;
    this.#watch.count(rows, fallen);
    return names ? Object.fromEntries(names.map((name) => [name, outputs[name]])) : outputs;
  }

  /** The outputs wanted, and those that decide. */
  #withDecisions(options: RunOptions): RunOptions {
    if (!options.outputs) return options;
    return { ...options, outputs: [...new Set([...options.outputs, ...this.rule.outputs])] };
  }

  #keep(feeds: Feeds): Feeds {
    return Object.fromEntries(
      Object.entries(feeds).map(([name, { type, data, dims }]) => {
        let room = this.#kept.get(name);
        if (!room || room.length < data.length) {
          room = allocate(type, data.length) as Float32Array;
          this.#kept.set(name, room);
        }
        const copy = room.subarray(0, data.length);
        copy.set(data as Float32Array);
        return [name, new Tensor(type, copy as never, dims)];
      }),
    );
  }
}

const rowsOf = (feeds: Feeds): number => Object.values(feeds)[0].dims[0];

/** The options for what is left of a run that starts now. */
function restOf(options: RunOptions): () => RunOptions {
  const { timeoutMs } = options;
  if (timeoutMs === undefined) return () => options;
  const start = performance.now();
  return () => {
    const restMs = timeoutMs - (performance.now() - start);
    if (restMs <= 0) throw timedOut(timeoutMs);
    return { ...options, timeoutMs: restMs };
  };
}

/** Threads of two executors, those with one id as one; parts are the compressed network's. */
function joinThreads(compressed: readonly ThreadStats[], original: readonly ThreadStats[]): ThreadStats[] {
  const joined = new Map(compressed.map((thread) => [thread.threadId, thread]));
  for (const { threadId, busyMs } of original) {
    const known = joined.get(threadId);
    joined.set(threadId, { threadId, parts: known?.parts ?? [], busyMs: busyMs + (known?.busyMs ?? 0) });
  }
  return [...joined.values()];
}
