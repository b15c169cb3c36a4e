/** Kernel modules and their memories: one place that decodes and binds WASM. */
import { instantiate } from '#instantiate';

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
  // Where there is Buffer, it decodes a hundred times faster than a loop that is not optimised yet.
  const { Buffer } = globalThis as { Buffer?: { from(text: string, encoding: 'latin1'): Uint8Array<ArrayBuffer> } };
  if (Buffer) return Buffer.from(text, 'latin1');
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/**
 * Binds a compiled module to a memory.
 * @param source  a compiled module, or its bytes (hosts like workerd refuse bytes)
 * @param memory  the memory the kernels work in; must be shared for the `-shared` builds
 * @param tiles  which tall tile the relaxed builds use; the others have none
 * @param core  exports of the core module on the same memory, for the module `more`
 */
export function bindKernels<Exports>(
  source: WebAssembly.Module | Uint8Array<ArrayBuffer>,
  memory: WebAssembly.Memory,
  tiles = 0,
  core: WebAssembly.ModuleImports = {},
): KernelModule<Exports> {
  const imports = { env: { memory, tiles }, 'from-core': core };
  const exports = instantiate(source as WebAssembly.Module, imports);
  return { memory, exports: exports as Exports };
}

/** A fresh unshared memory of at least `bytes` bytes. */
export function createMemory(bytes: number, shared = false): WebAssembly.Memory {
  const initial = Math.max(1, Math.ceil(bytes / pageBytes));
  return new WebAssembly.Memory({ initial, maximum: maximumPages, shared });
}
