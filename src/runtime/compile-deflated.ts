/** Modules that are embedded compressed. */
import { compileBytes } from './kernels.js';
import { decodeLatin1 } from './wasm.js';

/**
 * Compiles a module that is embedded compressed; parameters as in {@link compileKernels}.
 * @param section  bytes of a section to append
 */
export async function compileDeflated(
  text: string,
  sharedAt?: number,
  section: readonly number[] = [],
): Promise<WebAssembly.Module> {
  const stream = new Blob([decodeLatin1(text)]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  return compileBytes(section.length ? Uint8Array.of(...bytes, ...section) : bytes, sharedAt);
}
