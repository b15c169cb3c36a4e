import { type Cascade, createCascadeExecutor } from '../runtime/cascade.js';
import { KerfError } from '../runtime/errors.js';
import type { Executor } from '../runtime/executor.js';
import type { FallbackOptions } from '../runtime/fallback-watch.js';
import { InferenceSession, type SessionOptions } from '../runtime/inference-session.js';
import { kernelsOf } from '../runtime/kernels.js';
import { plainKernels } from '../runtime/plain-kernels.js';
import type { Plan } from '../runtime/plan.js';
import { referenceKind } from '../runtime/reference.js';
import { createWasmExecutor, type WasmExecutorOptions } from '../runtime/wasm-executor.js';
import { allowedCores } from '../threads/allowed-cores.js';
import { createAutoExecutor } from './auto.js';
import { createOrtExecutor } from './ort.js';
import { createPoolExecutor } from './pool.js';
import type { SessionKernels } from './session-kernels.js';

export type ExecutorName = 'wasm' | 'pool' | 'ort';

export interface CreateSessionOptions extends Omit<SessionOptions, 'kernels'> {
  /** Threads that compute; `auto` (default): the allowed cores, where more than one pays. */
  readonly threads?: number | 'auto';
  /** Default: the pool where more than one thread pays, else wasm. */
  readonly executor?: ExecutorName;
  /** Default: the plain build. */
  readonly kernels?: SessionKernels;
  /** Bytes of the ONNX model, for the executor `ort`. */
  readonly onnx?: Uint8Array;
}

/**
 * A session over a plan, with the executor that the options ask for.
 * @throws OPTION_INVALID; REFERENCE_STEP when a pool is demanded for a plan with reference steps; EXECUTOR_MISSING
 */
export function createSession(
  plan: Plan,
  certificate: object | null,
  options: CreateSessionOptions = {},
): InferenceSession {
  return InferenceSession.fromExecutor(plan, createPlanExecutor(plan, options), certificate);
}

/** What a session needs of a package. */
export interface SessionPackage {
  readonly plan: Plan;
  readonly cascade?: Cascade | null;
  readonly certificate: object | null;
}

/**
 * A session over a package: over its plan, or over its cascade of two, each with an executor of its own.
 * @throws as {@link createSession}
 */
export function createPackageSession(
  { plan, cascade, certificate }: SessionPackage,
  options: CreateSessionOptions = {},
): InferenceSession {
  if (!cascade) return createSession(plan, certificate, options);
  const [compressed, original] = [createPlanExecutor(plan, options), createPlanExecutor(cascade.plan, options)];
  const kernels = ownKernels(options).kernels ?? plainKernels();
  const fallback: FallbackOptions = options;
  const executor = createCascadeExecutor(cascade.rule, compressed, original, { ...fallback, kernels });
  return InferenceSession.fromExecutor(plan, executor, certificate);
}

/** What the calling thread computes with, for the options of an executor. */
export function ownKernels({ wasmModule, kernels }: CreateSessionOptions): Pick<WasmExecutorOptions, 'kernels'> {
  const own = wasmModule ? kernelsOf(wasmModule) : kernels?.own;
  return own ? { kernels: own } : {};
}

/** The executor that the options ask for. @throws as {@link createSession} */
export function createPlanExecutor(plan: Plan, options: CreateSessionOptions): Executor {
  const { executor, threads = 'auto', limits, wasmModule, runReference } = options;
  const count = threads === 'auto' ? allowedCores() : threads;
  if (!Number.isInteger(count) || count < 1 || count > 256) {
    throw invalid('threads', threads, '"auto" or a whole number from 1 to 256');
  }
  const shared = options.kernels?.shared ? { kernels: options.kernels.shared } : {};
  const memoryBytes = limits?.memoryBytes;
  if (memoryBytes !== undefined && !(memoryBytes >= 0)) throw invalid('memoryBytes', memoryBytes, 'a number of bytes');
  const memory = memoryBytes === undefined ? {} : { memoryBytes };
  const inThread: WasmExecutorOptions = {
    ...memory,
    ...ownKernels(options),
    ...(runReference && { runReference }),
  };
  switch (executor) {
    case 'wasm':
      return createWasmExecutor(plan, inThread);
    case 'pool':
      return createPoolExecutor(plan, { threads: count, ...memory, ...shared });
    case 'ort':
      if (!options.onnx) throw invalid('executor', executor, 'an ONNX model, since a package has none');
      return createOrtExecutor(options.onnx, threads === 'auto' ? {} : { threads: count });
    case undefined: {
      const isPooled = count > 1 && !wasmModule && !plan.steps.some(({ kind }) => kind === referenceKind);
      return isPooled
        ? createAutoExecutor(plan, count, inThread, { ...memory, ...shared })
        : createWasmExecutor(plan, inThread);
    }
    default:
      throw invalid('executor', executor, '"wasm", "pool" or "ort"');
  }
}

function invalid(name: string, got: unknown, expected: string): KerfError {
  return new KerfError(
    'OPTION_INVALID',
    `option "${name}"`,
    `invalid value: got ${String(got)}, expected ${expected}.`,
  );
}
