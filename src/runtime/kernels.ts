/** The runtime's kernel modules: embedded, or given compiled where the host refuses bytes. */
import { KerfError } from './errors.js';
import { bindKernels, decodeLatin1 } from './wasm.js';

/** What the runtime calls of assembly/index.ts. */
export interface RuntimeKernels {
  /**
   * Runs the steps of a tape in order.
   * @returns 0, or 1 + the position of the step that met an index outside its operand
   */
  run_steps(tapePtr: number, tapeBytes: number): number;
  /** margins[m] = the least margin of the decisions in row m of x [rows, positions, columns], and what stood there. */
  f32_margins(
    decision: number,
    rows: number,
    positions: number,
    columns: number,
    at: number,
    xPtr: number,
    marginPtr: number,
  ): void;
  /** Whether f32_gemm may leave out zero inputs on these panels [N, K]: finite weights, no bias of -0. */
  f32_panels_skippable(panelPtr: number, N: number, K: number): number;
  /** y = the float32 of half bits x; x may stand in the second half of y. */
  f16_widen(yPtr: number, xPtr: number, count: number): void;
  /** Packs weights [N, K] and a bias into panels; see assembly/linear/pack.ts. */
  f32_pack_linear(
    dstPtr: number,
    wPtr: number,
    strideN: number,
    strideK: number,
    biasPtr: number,
    biasStride: number,
    N: number,
    K: number,
  ): void;
  /** The linear layer; see assembly/linear/gemm.ts. */
  f32_gemm(
    yPtr: number,
    ldy: number,
    xPtr: number,
    ldx: number,
    panelPtr: number,
    M: number,
    N: number,
    K: number,
    zPtr: number,
    ldz: number,
    R: number,
    lo: number,
    hi: number,
  ): void;
  /** First byte behind the module's static data. */
  heap_base(): number;
}

/**
 * `plain`: fixed-width SIMD, the same bits on every host. `relaxed`: relaxed SIMD, where products are not rounded before
 * they are added if the machine can do so: faster, and the last bits depend on the machine.
 */
export type KernelBuild = 'plain' | 'relaxed';

/** Values of {@link Kernels.tiles}; mirrored by assembly/linear/env.ts. */
export const tallTiles = { none: 0, half: 1, wide: 2 } as const;

/** A compiled module, for memories of its own or for shared ones. */
export interface Kernels {
  readonly build: KernelBuild;
  readonly module: WebAssembly.Module;
  /** Which tall tile pays on this host, of {@link tallTiles}; only the relaxed build has any. */
  readonly tiles: number;
  /** The module `more`, of the steps that `module` lacks, where that is the core. */
  readonly more?: WebAssembly.Module;
}

/** A module that the caller compiled, of the plain build for all that is known. */
export function kernelsOf(module: WebAssembly.Module): Kernels {
  return { build: 'plain', module, tiles: tallTiles.none };
}

/** Instantiates kernels on a memory. */
export function bindRuntime({ module, tiles, more }: Kernels, memory: WebAssembly.Memory): RuntimeKernels {
  const { exports } = bindKernels<RuntimeKernels>(module, memory, tiles);
  if (!more) return exports;
  const core = exports as unknown as WebAssembly.ModuleImports;
  return { ...exports, run_steps: bindKernels<RuntimeKernels>(more, memory, tiles, core).exports.run_steps };
}

/**
 * Compiles an embedded module.
 * @param sharedAt  for shared memory: where the byte stands that declares the memory; its twin differs there alone
 */
export function compileKernels(text: string, sharedAt?: number): WebAssembly.Module {
  return compileBytes(decodeLatin1(text), sharedAt);
}

/** Compiles a module from its bytes, which are changed; parameters as in {@link compileKernels}. */
export function compileBytes(bytes: Uint8Array<ArrayBuffer>, sharedAt?: number): WebAssembly.Module {
  if (sharedAt !== undefined) bytes[sharedAt] = 3;
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    throw new KerfError(
      'KERNEL_TRAP',
      'kernels',
      'this host does not compile WebAssembly SIMD from bytes. Pass the compiled module as wasmModule.',
      {},
      { cause },
    );
  }
}
