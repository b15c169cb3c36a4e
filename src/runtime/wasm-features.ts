/** Which WebAssembly proposals the host accepts, found by validating the smallest module that uses each. */

const magic = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const v128 = 0x7b;

function section(id: number, content: readonly number[]): number[] {
  return [id, content.length, ...content];
}

/** A module with one function without parameters; `memory` is the limits of its only memory, if any. */
function moduleOf(result: readonly number[], body: readonly number[], memory: readonly number[] = []): Uint8Array {
  const code = [0, ...body, 0x0b];
  return Uint8Array.from([
    ...magic,
    ...section(1, [1, 0x60, 0, result.length, ...result]),
    ...section(3, [1, 0]),
    ...(memory.length ? section(5, [1, ...memory]) : []),
    ...section(10, [1, code.length, ...code]),
  ]);
}

const splat = [0x41, 0, 0xfd, 15];
const modules = {
  /** i8x16.splat(0) */
  simd: moduleOf([v128], splat),
  /** i8x16.relaxed_swizzle(splat(0), splat(0)) */
  relaxedSimd: moduleOf([v128], [...splat, ...splat, 0xfd, 0x80, 0x02]),
  /** i32.atomic.load(0) of a shared memory of one page */
  threads: moduleOf([0x7f], [0x41, 0, 0xfe, 0x10, 2, 0], [3, 1, 1]),
} as const;

export function supportsWasm(feature: keyof typeof modules): boolean {
  return WebAssembly.validate(modules[feature] as BufferSource);
}
