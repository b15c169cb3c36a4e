/** Runs a graph on rows of data, through the same kernels as any session: how annealing looks at a network. */
import type { Compiled, Evaluate } from './annealing/context.js';
import { rowCount, takeRows } from './annealing/rows.js';
import { bindGraph, sizesOf } from './graph/fix-sizes.js';
import { removeDead } from './graph/fold.js';
import type { Graph, Port } from './graph/graph.js';
import { inferFacts } from './graph/infer.js';
import { buildPlan, runReference } from './plan/index.js';
import { KerfError } from './runtime/errors.js';
import type { Feeds, Outputs } from './runtime/executor.js';
import { type Bindings, isStatic } from './runtime/extent.js';
import { nextTurn } from './runtime/next-turn.js';
import { allocate, elementCount, Tensor } from './runtime/tensor.js';
import { createWasmExecutor } from './runtime/wasm-executor.js';

/** Rows of one run: enough for full tiles, few enough for the activations of wide layers to stay small. */
const batchRows = 1024;

/** The graph cut down to some of its values. */
function graphOf(graph: Graph, values: readonly string[] | undefined): Graph {
  if (!values) return graph;
  const facts = inferFacts(graph);
  const outputs = values.map((name) => {
    const { dtype, shape } = facts.get(name)!;
    return { name, dtype, shape };
  });
  return removeDead({ ...graph, outputs });
}

/** Rows that one run takes: what the model fixes as its first axis, else a batch. */
function rowsPerRun(ports: readonly Pick<Port, 'shape'>[]): number {
  const first = ports[0]?.shape[0];
  return first !== undefined && isStatic(first) ? first : batchRows;
}

/** Joins outputs along the first axis; scalars become one element a run. `padding` samples at the end are left out. */
function concatenate(parts: readonly Tensor[], n: number, padding: number): Tensor {
  const [{ type, dims }] = parts;
  const run = parts.reduce((sum, part) => sum + (part.dims[0] ?? 1), 0);
  // What stands at several places of a sample has as many rows for each; what has no rows for samples stays as it is.
  const perSample = run / (n + padding);
  const rows = Number.isInteger(perSample) ? perSample * n : run;
  const data = allocate(type, run * elementCount(dims.slice(1))) as Float32Array;
  let offset = 0;
  for (const part of parts) {
    data.set(part.data as Float32Array, offset);
    offset += part.size;
  }
  const kept = rows === run ? data : data.slice(0, rows * elementCount(dims.slice(1)));
  return new Tensor(type, kept as never, [rows, ...dims.slice(1)]);
}

/**
 * Runs a network on all rows, some at a time.
 * @param run  the network
 * @param ports  its inputs: a fixed first axis says how many samples one run takes
 * @param isByRow  whether no sample depends on another: the last run is then filled up with copies where it has too few
 * @throws DATA_INVALID when there are no rows
 */
export async function runRows(
  run: (feeds: Feeds) => Promise<Outputs>,
  ports: readonly Pick<Port, 'name' | 'shape'>[],
  rows: Feeds,
  isByRow = false,
): Promise<Outputs> {
  const [n, step] = [rowCount(rows), rowsPerRun(ports)];
  const isFixed = isStatic(ports[0]?.shape[0] ?? [[1, '']]);
  const padding = isByRow && isFixed ? (step - (n % step)) % step : 0;
  if (n === 0) throw new KerfError('DATA_INVALID', 'data', 'no rows: got 0, expected at least 1. Give some samples.');
  const runs: Outputs[] = [];
  for (let first = 0; first < n; first += step) {
    const count = Math.min(step, n + padding - first);
    const indexes = Array.from({ length: count }, (_, i) => Math.min(first + i, n - 1));
    runs.push(await run(n === count ? rows : takeRows(rows, indexes)));
  }
  const joined = (name: string) =>
    concatenate(
      runs.map((one) => one[name]),
      n,
      padding,
    );
  return Object.fromEntries(Object.keys(runs[0]).map((name) => [name, joined(name)]));
}

/** Longest time for which runs that end soon keep the event loop from turning, in milliseconds. */
const turnAfter = 10;

let turned = 0;

/** Lets the event loop turn where it has not for a while: single runs do so only when they are long. */
async function turnNowAndThen(): Promise<void> {
  if (performance.now() - turned < turnAfter) return;
  await nextTurn();
  turned = performance.now();
}

/**
 * An {@link Evaluate} on the calling thread.
 * @returns outputs whose first axis counts the samples
 */
export function createEvaluate(signal?: AbortSignal): Evaluate {
  return async (graph, rows, values) => {
    await turnNowAndThen();
    const part = graphOf(graph, values);
    const used = new Set(part.nodes.flatMap((node) => node.inputs).concat(part.outputs.map(({ name }) => name)));
    const inputs = part.inputs.filter(({ name }) => used.has(name));
    // Values inside may need a plan for known sizes where the whole network has one for all.
    const plan = buildPlan(bindGraph({ ...part, inputs }, sizesOf(part, rows)));
    const executor = createWasmExecutor(plan, { runReference });
    try {
      const feeds = Object.fromEntries(inputs.map(({ name }) => [name, rows[name]]));
      return await runRows((part) => executor.run(part, signal ? { signal } : {}), graph.inputs, feeds, true);
    } finally {
      await executor.release();
    }
  };
}

/**
 * Plans graphs for many runs on the calling thread; inputs that a graph does not read are not fed.
 * @param bindings  sizes that the rows of all runs have
 */
export function createCompile(bindings: Bindings, signal?: AbortSignal): (graph: Graph) => Compiled {
  return (graph) => {
    const used = new Set(graph.nodes.flatMap((node) => node.inputs).concat(graph.outputs.map(({ name }) => name)));
    const inputs = graph.inputs.filter(({ name }) => used.has(name));
    const plan = buildPlan(bindGraph({ ...graph, inputs }, bindings));
    const executor = createWasmExecutor(plan, { runReference });
    return {
      run: async (feeds) => {
        await turnNowAndThen();
        return executor.run(feeds, signal ? { signal } : {});
      },
      release: () => executor.release(),
    };
  };
}
