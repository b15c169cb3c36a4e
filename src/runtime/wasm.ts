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

/** The bytes of the text that the build embeds, one character a byte. Works on every host: no Node API. */
export function decodeLatin1(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/**
 * Binds a compiled module to a memory.
 * @param source  a compiled module, or its bytes (hosts like workerd refuse bytes)
 * @param memory  the memory the kernels work in; must be shared for the `-shared` builds
 * @param tiles  which tall tile the relaxed builds use; the others have none
 */
export function bindKernels<Exports>(
  source: WebAssembly.Module | Uint8Array<ArrayBuffer>,
  memory: WebAssembly.Memory,
  tiles = 0,
): KernelModule<Exports> {
  const env = { memory, tiles };
  const { exports } = instantiateSync<Record<string, unknown>>(source, { env });
  return { memory, exports: exports as unknown as Exports };
}

/** A fresh unshared memory of at least `bytes` bytes. */
export function createMemory(bytes: number, shared = false): WebAssembly.Memory {
  const initial = Math.max(1, Math.ceil(bytes / pageBytes));
  return new WebAssembly.Memory({ initial, maximum: maximumPages, shared });
}
