/** The runtime's kernel module: compiled once a process, or given compiled where the host refuses bytes. */
import { hex } from '#wasm/plain';
import { KerfError } from './errors.js';
import { decodeHex } from './wasm.js';

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
  /** Lists the rows with a margin below tau; returns how many. */
  f32_rows_below(rows: number, tau: number, marginPtr: number, rowsPtr: number): number;
  /** Whether f32_gemm may leave out zero inputs on these panels [N, K]: finite weights, no bias of -0. */
  f32_panels_skippable(panelPtr: number, N: number, K: number): number;
  /** First byte behind the module's static data. */
  heap_base(): number;
}

let compiled: WebAssembly.Module | undefined;

/**
 * The plain module, compiled at the first call.
 * @throws KERNEL_TRAP when the host refuses to compile
 */
export function plainModule(): WebAssembly.Module {
  compiled ??= compileKernels(hex);
  return compiled;
}

/** Compiles an embedded module. */
export function compileKernels(text: string): WebAssembly.Module {
  try {
    return new WebAssembly.Module(decodeHex(text));
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
