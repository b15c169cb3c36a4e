/** The module of the steps that the core module lacks. */
import { latin1 } from '#wasm/more';
import { compileBytes } from './kernels.js';
import { decodeLatin1 } from './wasm.js';

/** Bits that are turned in every byte of the text, see scripts/bundle.mjs. */
const mask = 122;

let more: WebAssembly.Module | undefined;

/** The module, compiled at the first call. */
export function moreKernels(): WebAssembly.Module {
  more ??= compileBytes(decodeLatin1(latin1).map((byte) => byte ^ mask));
  return more;
}
