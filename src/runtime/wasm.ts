/** Instantiates a kernel module through @assemblyscript/loader: one place that decodes, compiles and binds WASM. */
import { instantiateSync } from '@assemblyscript/loader';

/** Bytes of one WASM page. */
export const pageBytes = 65536;

/** Largest number of pages a 32-bit memory can have; the modules are built for it. */
export const maximumPages = 65536;

/** A kernel module bound to a memory. `exports` are raw functions on byte addresses; nothing in them allocates. */
export interface KernelModule<Exports> {
  readonly memory: WebAssembly.Memory;
  readonly exports: Exports;
}

/** Decodes the lower-case hex text that the build embeds. Works on every host: no Node API. */
export function decodeHex(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length / 2);
  // '0' is 0x30, 'a' is 0x61: the low bits count, and a letter stands for 9 more.
  const digit = (code: number) => (code & 15) + 9 * (code >> 6);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = 16 * digit(text.charCodeAt(2 * i)) + digit(text.charCodeAt(2 * i + 1));
  }
  return bytes;
}

/**
 * Binds a compiled module to a memory.
 * @param source  a compiled module, or its bytes (hosts like workerd refuse bytes)
 * @param memory  the memory the kernels work in; must be shared for the `-shared` builds
 */
export function bindKernels<Exports>(
  source: WebAssembly.Module | Uint8Array<ArrayBuffer>,
  memory: WebAssembly.Memory,
): KernelModule<Exports> {
  const { exports } = instantiateSync<Record<string, unknown>>(source, { env: { memory } });
  return { memory, exports: exports as unknown as Exports };
}

/** A fresh unshared memory of at least `bytes` bytes. */
export function createMemory(bytes: number, shared = false): WebAssembly.Memory {
  const initial = Math.max(1, Math.ceil(bytes / pageBytes));
  return new WebAssembly.Memory({ initial, maximum: maximumPages, shared });
}
