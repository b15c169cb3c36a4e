/** The words of a step on the tape. */

/** A word of a step. */
export class Word {
  /** Word `index` of a step as a size. */
  @inline
  static size(wordsPtr: usize, index: usize): i32 {
    return load<i32>(wordsPtr + (index << 2));
  }

  /** Word `index` of a step as a byte address. */
  @inline
  static pointer(wordsPtr: usize, index: usize): usize {
    return <usize>load<u32>(wordsPtr + (index << 2));
  }

  /** Word `index` of a step as a real. */
  @inline
  static real(wordsPtr: usize, index: usize): f32 {
    return load<f32>(wordsPtr + (index << 2));
  }

  /** Address of the word `index`. */
  @inline
  static ptr(wordsPtr: usize, index: usize): usize {
    return wordsPtr + (index << 2);
  }
}
