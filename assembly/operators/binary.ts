/** Elementwise functions of two operands, broadcast by strides of 0. */
import { loadLanes, storeLanes } from '../linear/lanes';
import { f32_pow } from './pow';

/** The functions, in the order of `binaryWords` in src/runtime/step-kinds/elementwise.ts. */
const enum Binary {
  ADD,
  SUB,
  MUL,
  DIV,
  MAX,
  MIN,
  POW,
  /** a a b: the cube of a where b is a. */
  CUBE,
}

/** Bytes of one axis in the box: | dim | strideA | strideB | strideY |, i32 each, strides in elements. */
const AXIS_BYTES: usize = 16;

/** One vector, and one row, of each function. */
class Vector {
  @inline
  static apply(f: Binary, a: v128, b: v128): v128 {
    if (f == Binary.ADD) return f32x4.add(a, b);
    if (f == Binary.SUB) return f32x4.sub(a, b);
    if (f == Binary.MUL) return f32x4.mul(a, b);
    if (f == Binary.DIV) return f32x4.div(a, b);
    if (f == Binary.MAX) return f32x4.max(a, b);
    if (f == Binary.CUBE) return f32x4.mul(f32x4.mul(a, a), b);
    return f32x4.min(a, b);
  }

  /** One row whose operands are contiguous (stride 1) or one element (stride 0). */
  @inline
  static row(f: Binary, aPtr: usize, strideA: usize, bPtr: usize, strideB: usize, yPtr: usize, count: i32): void {
    let a = v128.load32_splat(aPtr);
    let b = v128.load32_splat(bPtr);
    while (count >= 4) {
      if (strideA) a = v128.load(aPtr);
      if (strideB) b = v128.load(bPtr);
      v128.store(yPtr, Vector.apply(f, a, b));
      aPtr += strideA << 4;
      bPtr += strideB << 4;
      yPtr += 16;
      count -= 4;
    }
    if (count <= 0) return;
    if (strideA) a = loadLanes(aPtr, count);
    if (strideB) b = loadLanes(bPtr, count);
    storeLanes(yPtr, Vector.apply(f, a, b), count);
  }
}

/** The same vector function on one pair of elements. */
function one(f: i32, aPtr: usize, bPtr: usize, yPtr: usize): void {
  if (f == Binary.POW) store<f32>(yPtr, f32_pow(load<f32>(aPtr), load<f32>(bPtr)));
  else v128.store_lane<f32>(yPtr, Vector.apply(f, v128.load32_zero(aPtr), v128.load32_zero(bPtr)), 0);
}

/** One row with any strides, element by element. */
function stridedRow(f: i32, aPtr: usize, strideA: usize, bPtr: usize, strideB: usize, yPtr: usize, count: i32): void {
  while (count-- > 0) {
    one(f, aPtr, bPtr, yPtr);
    aPtr += strideA << 2;
    bPtr += strideB << 2;
    yPtr += 4;
  }
}

function f32_add(aPtr: usize, strideA: usize, bPtr: usize, strideB: usize, yPtr: usize, count: i32): void {
  Vector.row(Binary.ADD, aPtr, strideA, bPtr, strideB, yPtr, count);
}

function f32_sub(aPtr: usize, strideA: usize, bPtr: usize, strideB: usize, yPtr: usize, count: i32): void {
  Vector.row(Binary.SUB, aPtr, strideA, bPtr, strideB, yPtr, count);
}

function f32_mul(aPtr: usize, strideA: usize, bPtr: usize, strideB: usize, yPtr: usize, count: i32): void {
  Vector.row(Binary.MUL, aPtr, strideA, bPtr, strideB, yPtr, count);
}

function f32_div(aPtr: usize, strideA: usize, bPtr: usize, strideB: usize, yPtr: usize, count: i32): void {
  Vector.row(Binary.DIV, aPtr, strideA, bPtr, strideB, yPtr, count);
}

function f32_max(aPtr: usize, strideA: usize, bPtr: usize, strideB: usize, yPtr: usize, count: i32): void {
  Vector.row(Binary.MAX, aPtr, strideA, bPtr, strideB, yPtr, count);
}

function f32_min(aPtr: usize, strideA: usize, bPtr: usize, strideB: usize, yPtr: usize, count: i32): void {
  Vector.row(Binary.MIN, aPtr, strideA, bPtr, strideB, yPtr, count);
}

function f32_cube(xPtr: usize, strideX: usize, yPtr: usize, count: i32): void {
  Vector.row(Binary.CUBE, xPtr, strideX, xPtr, strideX, yPtr, count);
}

/** One row: chooses the loop by function and strides; x^2 is x * x, and x^3 is x * x * x. */
function anyRow(f: i32, aPtr: usize, strideA: usize, bPtr: usize, strideB: usize, yPtr: usize, count: i32): void {
  if (count <= 0) return;
  if (f == Binary.POW && strideB == 0) {
    const exponent = load<f32>(bPtr);
    if (exponent == 2 || exponent == 3) {
      f = exponent == 2 ? Binary.MUL : Binary.CUBE;
      bPtr = aPtr;
      strideB = strideA;
    }
  }
  if ((strideA | strideB) > 1 || f == Binary.POW) return stridedRow(f, aPtr, strideA, bPtr, strideB, yPtr, count);
  switch (f) {
    case Binary.ADD:
      return f32_add(aPtr, strideA, bPtr, strideB, yPtr, count);
    case Binary.SUB:
      return f32_sub(aPtr, strideA, bPtr, strideB, yPtr, count);
    case Binary.MUL:
      return f32_mul(aPtr, strideA, bPtr, strideB, yPtr, count);
    case Binary.DIV:
      return f32_div(aPtr, strideA, bPtr, strideB, yPtr, count);
    case Binary.CUBE:
      return f32_cube(aPtr, strideA, yPtr, count);
    case Binary.MAX:
      return f32_max(aPtr, strideA, bPtr, strideB, yPtr, count);
    default:
      return f32_min(aPtr, strideA, bPtr, strideB, yPtr, count);
  }
}

/**
 * y = f(a, b) over a box of `rank` axes; every element depends on its own pair only.
 * NaN in either operand gives NaN, also in max and min; pow is {@link f32_pow}, but x * x * x for the power of 3
 * (within 1.5 ulp), the others are correctly rounded.
 * @param f  index of the function in {@link Binary}
 * @param rank  1..8
 * @param axesPtr  i32 [rank, 4], outermost axis first, each | dim | strideA | strideB | strideY |, strides in elements;
 *   strideY of the last axis is 1
 * @param aPtr  float32; y may be a or b itself where that has y's strides, else it is disjoint from both
 */
export function f32_binary(f: i32, rank: i32, axesPtr: usize, aPtr: usize, bPtr: usize, yPtr: usize): void {
  const dim = load<i32>(axesPtr);
  const strideA = <usize>load<i32>(axesPtr, 4);
  const strideB = <usize>load<i32>(axesPtr, 8);
  const strideY = <usize>load<i32>(axesPtr, 12);
  if (rank == 1) return anyRow(f, aPtr, strideA, bPtr, strideB, yPtr, dim);
  for (let i = 0; i < dim; i++) {
    f32_binary(f, rank - 1, axesPtr + AXIS_BYTES, aPtr, bPtr, yPtr);
    aPtr += strideA << 2;
    bPtr += strideB << 2;
    yPtr += strideY << 2;
  }
}
