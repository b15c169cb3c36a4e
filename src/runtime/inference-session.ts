import { createCascadeExecutor } from './cascade.js';
import { chooseKernels, type KernelChoice } from './choose-kernels.js';
import { KerfError } from './errors.js';
import type { Executor } from './executor.js';
import type { FallbackOptions } from './fallback-watch.js';
import { decodePackage } from './format/package-reader.js';
import { kernelsOf } from './kernels.js';
import type { Plan } from './plan.js';
import type { RunReference } from './reference.js';
import { Session, type SessionPorts } from './session.js';
import { createWasmExecutor } from './wasm-executor.js';

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
    const { plan, cascade, certificate } = decodePackage(await packageBytes(source));
    const { wasmModule, runReference, limits } = options;
    const kernels = wasmModule
      ? kernelsOf(wasmModule)
      : await chooseKernels(options.kernels ?? 'plain', 'option "kernels"');
    const create = (one: Plan) =>
      createWasmExecutor(one, {
        kernels,
        ...(runReference && { runReference }),
        ...(limits?.memoryBytes !== undefined && { memoryBytes: limits.memoryBytes }),
      });
    const executor = cascade
      ? createCascadeExecutor(cascade.rule, create(plan), create(cascade.plan), { ...options, kernels })
      : create(plan);
    return InferenceSession.fromExecutor(plan, executor, certificate);
  }
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
