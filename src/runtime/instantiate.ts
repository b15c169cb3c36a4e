/**
 * Instantiates through @assemblyscript/loader, which knows what the debug builds import. `kerf/runtime` has
 * lazy-instantiate.ts in its place (`#instantiate`).
 */
import { instantiateSync } from '@assemblyscript/loader';

/** The raw exports of a module: without the loader's wrappers, which cost as much as a small kernel. */
export function instantiate(
  source: WebAssembly.Module | Uint8Array<ArrayBuffer>,
  imports: WebAssembly.Imports,
): WebAssembly.Exports {
  return instantiateSync(source, imports).instance.exports;
}
