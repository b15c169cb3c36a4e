/** The stages, wired: sessions of models here, decompose and verify in the files beside it. */
export { anneal, type DecomposeSummary, type Decomposition, decompose } from './decompose.js';
export type { DecomposeOptions } from './decompose-options.js';
export { type Verification, verify } from './verify.js';

import { createAnySizesExecutor } from './executors/any-sizes.js';
import { type CreateSessionOptions, createPlanExecutor, ownKernels } from './executors/create-session.js';
import { createDynamicExecutor } from './executors/dynamic-executor.js';
import { createOrtExecutor } from './executors/ort.js';
import { withAgreeingSizes } from './graph/agreeing-sizes.js';
import { canonicalise } from './graph/canonicalise.js';
import type { Graph, Model } from './graph/graph.js';
import { requireSupported } from './graph/infer.js';
import { useIntegerProducts } from './graph/integer-products.js';
import { widenEdges } from './graph/widen-halves.js';
import { withHalfEdges } from './half-edges.js';
import { buildPlan } from './plan/build-plan.js';
import { runReference } from './plan/reference-step.js';
import { Specialiser } from './plan/specialise.js';
import { KerfError } from './runtime/errors.js';
import type { Executor } from './runtime/executor.js';
import { InferenceSession } from './runtime/inference-session.js';
import type { Plan } from './runtime/plan.js';
import { createWasmExecutor } from './runtime/wasm-executor.js';

/**
 * The plan of a graph as it is, dense; null when its sizes depend on the inputs of each run. Inputs of the plan have
 * other shapes than those of the graph where sizes were taken to agree.
 */
function planDense(graph: Graph): Plan | null {
  try {
    return withAgreeingSizes(useIntegerProducts(graph), (agreeing) => buildPlan(canonicalise(agreeing))).made;
  } catch (error) {
    if (error instanceof KerfError && error.code === 'SHAPE_UNSUPPORTED') return null;
    throw error;
  }
}

/** Plans for the inputs of each run, on the calling thread. */
function dynamicExecutor(graph: Graph, options: CreateSessionOptions): Executor {
  const { limits, executor } = options;
  if (executor === 'pool') {
    throw new KerfError(
      'OPTION_INVALID',
      'option "executor"',
      `not for this model, whose sizes depend on the inputs of each run: got "pool", expected "wasm". Fix its shapes.`,
    );
  }
  const settings = {
    runReference,
    ...ownKernels(options),
    ...(limits?.memoryBytes !== undefined && { memoryBytes: limits.memoryBytes }),
  };
  const specialiser = new Specialiser(graph);
  return createDynamicExecutor((feeds, isKept) => {
    const { key, feeds: rest, plan } = specialiser.specialise(feeds, isKept);
    return { key, feeds: rest, create: () => createWasmExecutor(plan!, settings) };
  });
}

/** Ports of a graph that has no plan of its own: shapes as far as the file tells. */
function portsOf({ inputs, outputs }: Graph): Pick<Plan, 'inputs' | 'outputs'> {
  const unplaced = (ports: Graph['inputs']) =>
    ports.map(({ name, dtype, shape }) => ({ name, dtype, shape, buffer: 0 }));
  return { inputs: unplaced(inputs), outputs: unplaced(outputs) };
}

/** A session of a graph with edges of float16, over one of the same graph in float32. */
function halfSession(graph: Graph, inner: InferenceSession): InferenceSession {
  const halves = new Set(
    [...graph.inputs, ...graph.outputs].filter(({ dtype }) => dtype === 'float16').map(({ name }) => name),
  );
  const placed = (ports: InferenceSession['inputs']) =>
    ports.map((port) => (halves.has(port.name) ? { ...port, dtype: 'float16' as const } : port));
  const ports = { inputs: placed(inner.inputs), outputs: placed(inner.outputs) };
  return InferenceSession.fromExecutor(ports, withHalfEdges(inner, halves));
}

/**
 * A session that runs a model as it is, dense.
 * @param options.onnx  bytes of the model, for the executor `ort`, which needs nothing else
 * @throws OPERATOR_UNSUPPORTED naming all operators that kerf does not know; MODEL_INVALID, SHAPE_MISMATCH,
 *   DTYPE_MISMATCH, DTYPE_UNSUPPORTED naming the node; OPTION_INVALID, EXECUTOR_MISSING, MEMORY_LIMIT
 */
export function createSessionFromModel(model: Model, options: CreateSessionOptions = {}): InferenceSession {
  const { graph } = model;
  if (options.executor === 'ort' && options.onnx) {
    const threads = typeof options.threads === 'number' ? { threads: options.threads } : {};
    return InferenceSession.fromExecutor(portsOf(graph), createOrtExecutor(options.onnx, threads));
  }
  requireSupported(graph);
  const wide = widenEdges(graph);
  if (wide !== graph) return halfSession(graph, createSessionFromModel({ ...model, graph: wide }, options));
  const plan = planDense(graph);
  if (!plan) return InferenceSession.fromExecutor(portsOf(graph), dynamicExecutor(graph, options));
  const executor = createPlanExecutor(plan, { runReference, ...options });
  if (plan.symbols.length === 0) return InferenceSession.fromExecutor(plan, executor);
  const anySizes = createAnySizesExecutor(plan, executor, () =>
    dynamicExecutor(graph, { ...options, executor: 'wasm' }),
  );
  return InferenceSession.fromExecutor({ inputs: portsOf(graph).inputs, outputs: plan.outputs }, anySizes);
}
