import { type Cascade, createCascadeExecutor } from '../runtime/cascade.js';
import { KerfError } from '../runtime/errors.js';
import type { Executor } from '../runtime/executor.js';
import { InferenceSession, type SessionOptions } from '../runtime/inference-session.js';
import type { Plan } from '../runtime/plan.js';
import { referenceKind } from '../runtime/reference.js';
import { createWasmExecutor, type WasmExecutorOptions } from '../runtime/wasm-executor.js';
import { allowedCores } from '../threads/allowed-cores.js';
import { createAutoExecutor } from './auto.js';
import { createOrtExecutor } from './ort.js';
import { createPoolExecutor } from './pool.js';

export type ExecutorName = 'wasm' | 'pool' | 'ort';

export interface CreateSessionOptions extends SessionOptions {
  /** Threads that compute; `auto` (default): the allowed cores, where more than one pays. */
  readonly threads?: number | 'auto';
  /** Default: the pool where more than one thread pays, else wasm. */
  readonly executor?: ExecutorName;
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
  return InferenceSession.fromExecutor(plan, chooseExecutor(plan, options), certificate);
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
  const [compressed, original] = [chooseExecutor(plan, options), chooseExecutor(cascade.plan, options)];
  const executor = createCascadeExecutor(cascade.rule, compressed, original, options);
  return InferenceSession.fromExecutor(plan, executor, certificate);
}

function chooseExecutor(plan: Plan, options: CreateSessionOptions): Executor {
  const { executor, threads = 'auto', limits, wasmModule, runReference } = options;
  const count = threads === 'auto' ? allowedCores() : threads;
  if (!Number.isInteger(count) || count < 1 || count > 256) {
    throw invalid('threads', threads, '"auto" or a whole number from 1 to 256');
  }
  const memory = limits?.memoryBytes === undefined ? {} : { memoryBytes: limits.memoryBytes };
  const inThread: WasmExecutorOptions = {
    ...memory,
    ...(wasmModule && { wasmModule }),
    ...(runReference && { runReference }),
  };
  switch (executor) {
    case 'wasm':
      return createWasmExecutor(plan, inThread);
    case 'pool':
      return createPoolExecutor(plan, { threads: count, ...memory });
    case 'ort':
      if (!options.onnx) throw invalid('executor', executor, 'an ONNX model, since a package has none');
      return createOrtExecutor(options.onnx, threads === 'auto' ? {} : { threads: count });
    case undefined: {
      const isPooled = count > 1 && !wasmModule && !plan.steps.some(({ kind }) => kind === referenceKind);
      return isPooled ? createAutoExecutor(plan, count, inThread) : createWasmExecutor(plan, inThread);
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
