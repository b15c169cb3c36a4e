/**
 * Constants of vector functions. V8 builds a constant vector anew wherever it is used, by four instructions, and has no
 * registers to keep one in; to read it from memory takes one. So functions with many constants read them, from tables.
 * The modules of `kerf/runtime`, which are to be small, hold them in their code: the tables cost as much as a kernel.
 */
export class Constant {
  /** `value` in every lane; it stands at `ptr` too. */
  @inline
  static at(value: f32, ptr: usize): v128 {
    if (isDefined(KERF_SMALL)) return f32x4.splat(value);
    return v128.load32_splat(ptr);
  }
}
