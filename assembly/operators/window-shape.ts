/** The sizes of sliding windows, as words in memory. */

/** Words of the shape, as src/runtime/step-kinds/windows.ts writes them; three-axis sizes are depth, height, width. */
export const enum Size {
  N,
  GROUPS,
  /** Channels and outputs of a group. */
  C,
  O,
  INPUT,
  KERNEL = 7,
  STRIDE = 10,
  DILATION = 13,
  PAD = 16,
  OUTPUT = 19,
  TILE = 22,
}

export class Shape {
  @inline
  static at(shapePtr: usize, word: i32): i32 {
    return load<i32>(shapePtr + ((<usize>word) << 2));
  }

  /** Product of the three sizes from `word` on. */
  @inline
  static volume(shapePtr: usize, word: i32): i32 {
    return Shape.at(shapePtr, word) * Shape.at(shapePtr, word + 1) * Shape.at(shapePtr, word + 2);
  }
}
