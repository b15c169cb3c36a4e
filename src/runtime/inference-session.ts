import { loadPlainKernels } from '#plain-kernels';
import { loadStepKinds } from '#step-kinds';
import type { KernelChoice } from './choose-kernels.js';
import { KerfError } from './errors.js';
import type { Executor } from './executor.js';
import type { FallbackOptions } from './fallback-watch.js';
import { openPackage, readPackage, stepKindsOf } from './format/package-reader.js';
import { type Kernels, kernelsOf } from './kernels.js';
import type { Plan } from './plan.js';
import type { RunReference } from './reference.js';
import { Session, type SessionPorts } from './session.js';
import { createWasmExecutor, type WasmExecutorOptions } from './wasm-executor.js';

/** What `kerf/runtime` understands when it creates a session. */
export interface SessionOptions extends FallbackOptions {
  /** The runtime's module, compiled, for hosts that refuse to compile from bytes. */
  readonly wasmModule?: WebAssembly.Module;
  /**
   * `plain`: the same bits on every host. `relaxed`: faster, with bits of the machine. `auto`: relaxed where the host has
   * it and passes a self-test. Default `plain` in `kerf/runtime`; in `kerf` the variable KERF_WASM, or else `auto`.
   */
  readonly kernels?: KernelChoice;
  readonly limits?: {
    /** WASM memory of the session in bytes, for each plan of a cascade; default 2 GiB. */
    readonly memoryBytes?: number;
  };
  readonly runReference?: RunReference;
}

/** Runs packages on the calling thread, on any host. */
export class InferenceSession extends Session {
  /** A session over any executor. */
  static fromExecutor(ports: SessionPorts, executor: Executor, certificate: object | null = null): InferenceSession {
    return new InferenceSession(ports, executor, certificate);
  }

  /**
   * Loads a package and prepares to run it.
   * @param source  the package's bytes, or a URL to fetch them from
   * @throws PACKAGE_INVALID, PACKAGE_VERSION, REFERENCE_STEP, MEMORY_LIMIT, OPTION_INVALID; KERNELS_UNSUPPORTED;
   *   IO_FAILED when the URL cannot be fetched
   */
  static async create(
    source: string | URL | Uint8Array | ArrayBuffer,
    options: SessionOptions = {},
  ): Promise<InferenceSession> {
    const file = openPackage(await packageBytes(source));
    const rare = file.cascade === undefined ? null : await import('./on-demand.js');
    await loadStepKinds(
      new Set([...stepKindsOf(file.plan), ...stepKindsOf((file.cascade as { plan?: unknown })?.plan)]),
    );
    const { plan, cascade, certificate } = readPackage(file, rare?.readCascade);
    const plans = cascade ? [plan, cascade.plan] : [plan];
    const kernels = await kernelsFor(plans, options);
    const [compressed, original] = plans.map((one) => createWasmExecutor(one, { ...wasmOptions(options), kernels }));
    const executor = cascade
      ? rare!.createCascadeExecutor(cascade.rule, compressed, original, { ...options, kernels })
      : compressed;
    return InferenceSession.fromExecutor(plan, executor, certificate);
  }
}

/** What the executors of a session take of its options. */
function wasmOptions({ runReference, limits }: SessionOptions): WasmExecutorOptions {
  return {
    ...(runReference && { runReference }),
    ...(limits?.memoryBytes !== undefined && { memoryBytes: limits.memoryBytes }),
  };
}

/** The kernels that the options ask for, and that run the plans. */
async function kernelsFor(plans: readonly Plan[], { wasmModule, kernels = 'plain' }: SessionOptions): Promise<Kernels> {
  if (wasmModule) return kernelsOf(wasmModule);
  const steps = plans.flatMap((plan) => plan.steps);
  if (kernels === 'plain') return loadPlainKernels(steps);
  const { chooseKernels } = await import('./on-demand.js');
  return chooseKernels(kernels, 'option "kernels"', steps);
}

async function packageBytes(source: string | URL | Uint8Array | ArrayBuffer): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (typeof source !== 'string' && !(source instanceof URL)) return new Uint8Array(source);
  try {
    const response = await fetch(source);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    throw new KerfError('IO_FAILED', String(source), 'the package could not be fetched. Check the URL.', {}, { cause });
  }
}
