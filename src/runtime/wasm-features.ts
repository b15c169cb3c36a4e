/** Which WebAssembly proposals the host accepts, found by validating the smallest module that uses each. */

const magic = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const v128 = 0x7b;

function section(id: number, content: readonly number[]): number[] {
  return [id, content.length, ...content];
}

/** Validates a module with one function without parameters; `memory` is the limits of its only memory, if any. */
function accepts(result: readonly number[], body: readonly number[], memory: readonly number[] = []): boolean {
  const code = [0, ...body, 0x0b];
  const bytes = Uint8Array.from([
    ...magic,
    ...section(1, [1, 0x60, 0, result.length, ...result]),
    ...section(3, [1, 0]),
    ...(memory.length ? section(5, [1, ...memory]) : []),
    ...section(10, [1, code.length, ...code]),
  ]);
  return WebAssembly.validate(bytes);
}

const splat = [0x41, 0, 0xfd, 15];

/** i8x16.splat(0) */
export function supportsSimd(): boolean {
  return accepts([v128], splat);
}

/** i8x16.relaxed_swizzle(splat(0), splat(0)) */
export function supportsRelaxedSimd(): boolean {
  return accepts([v128], [...splat, ...splat, 0xfd, 0x80, 0x02]);
}

/** i32.atomic.load(0) of a shared memory of one page */
export function supportsThreads(): boolean {
  return accepts([0x7f], [0x41, 0, 0xfe, 0x10, 2, 0], [3, 1, 1]);
}
