/** Wires the stages: the one file that knows them all. */
import { createDynamicExecutor } from './executors/dynamic-executor.js';
import { canonicalise } from './graph/canonicalise.js';
import type { Graph, Model } from './graph/graph.js';
import { requireSupported } from './graph/infer.js';
import { buildPlan } from './plan/build-plan.js';
import { runReference } from './plan/reference-step.js';
import { Specialiser } from './plan/specialise.js';
import { KerfError } from './runtime/errors.js';
import type { Executor } from './runtime/executor.js';
import { InferenceSession } from './runtime/inference-session.js';
import type { Plan } from './runtime/plan.js';
import { createWasmExecutor, type WasmExecutorOptions } from './runtime/wasm-executor.js';

/** What a session of the tool understands. */
export interface ExecutionOptions {
  readonly wasmModule?: WebAssembly.Module;
  readonly limits?: {
    /** WASM memory of the session in bytes; default 2 GiB. */
    readonly memoryBytes?: number;
  };
}

function wasmOptions({ wasmModule, limits }: ExecutionOptions): WasmExecutorOptions {
  return {
    runReference,
    ...(wasmModule && { wasmModule }),
    ...(limits?.memoryBytes !== undefined && { memoryBytes: limits.memoryBytes }),
  };
}

/** The plan of a model as it is, dense; null when its sizes depend on the inputs of each run. */
function planDense(graph: Graph): Plan | null {
  try {
    return buildPlan(canonicalise(graph));
  } catch (error) {
    if (error instanceof KerfError && error.code === 'SHAPE_UNSUPPORTED') return null;
    throw error;
  }
}

function dynamicExecutor(graph: Graph, options: ExecutionOptions): Executor {
  const specialiser = new Specialiser(graph);
  return createDynamicExecutor((feeds) => {
    const { key, feeds: rest, plan } = specialiser.specialise(feeds);
    return { key, feeds: rest, create: () => createWasmExecutor(plan(), wasmOptions(options)) };
  });
}

/**
 * A session that runs a model as it is, dense.
 * @throws OPERATOR_UNSUPPORTED naming all operators that kerf does not know; MODEL_INVALID, SHAPE_MISMATCH,
 *   DTYPE_MISMATCH, DTYPE_UNSUPPORTED naming the node
 */
export function createSessionFromModel(model: Model, options: ExecutionOptions = {}): InferenceSession {
  requireSupported(model.graph);
  const plan = planDense(model.graph);
  const executor = plan ? createWasmExecutor(plan, wasmOptions(options)) : dynamicExecutor(model.graph, options);
  const ports = plan ?? dynamicPorts(model.graph);
  return InferenceSession.fromExecutor(ports, executor);
}

/** Ports before the first run: outputs by name, their shapes as far as the file tells. */
function dynamicPorts({ inputs, outputs }: Graph): Pick<Plan, 'inputs' | 'outputs'> {
  const unplaced = (ports: Graph['inputs']) =>
    ports.map(({ name, dtype, shape }) => ({ name, dtype, shape, buffer: -1 }));
  return { inputs: unplaced(inputs), outputs: unplaced(outputs) };
}
