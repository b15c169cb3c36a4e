/** Elementwise functions of two or three operands, broadcast by strides of 0. */
import { loadLanes, storeLanes } from '../linear/lanes';
import { f32_pow } from './pow';

/** The functions, in the order of `binaryWords` and `selectWords` in src/runtime/step-kinds/elementwise.ts. */
const enum Binary {
  ADD,
  SUB,
  MUL,
  DIV,
  MAX,
  MIN,
  POW,
  /** a where c is not 0, NaN included, else b. */
  SELECT,
  /** a where c is NaN, else b. */
  SELECT_NAN,
  /** a a b: the cube of a where b is a. */
  CUBE,
}

/** Bytes of one axis in the box: | dim | strideA | strideB | strideC | strideY |, i32 each, strides in elements. */
const AXIS_BYTES: usize = 20;

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

/** One row of any function with any strides, by vectors where these are 0 or 1, else element by element. */
function otherRow(
  f: i32,
  aPtr: usize,
  strideA: usize,
  bPtr: usize,
  strideB: usize,
  cPtr: usize,
  strideC: usize,
  yPtr: usize,
  count: i32,
): void {
  const most = (strideA | strideB | strideC) > 1 || f == Binary.POW ? 1 : 4;
  // What c is compared with: 0, or itself.
  const keep = i32x4.splat(f == Binary.SELECT ? 0 : -1);
  while (count > 0) {
    const lanes = min(most, count);
    if (f == Binary.POW) store<f32>(yPtr, f32_pow(load<f32>(aPtr), load<f32>(bPtr)));
    else {
      const a = strideA ? loadLanes(aPtr, lanes) : v128.load32_splat(aPtr);
      const b = strideB ? loadLanes(bPtr, lanes) : v128.load32_splat(bPtr);
      let y: v128;
      if (f == Binary.SELECT || f == Binary.SELECT_NAN) {
        const c = strideC ? loadLanes(cPtr, lanes) : v128.load32_splat(cPtr);
        y = v128.bitselect(a, b, f32x4.ne(c, v128.and(c, keep)));
      } else y = Vector.apply(f, a, b);
      storeLanes(yPtr, y, lanes);
    }
    const bytes = (<usize>lanes) << 2;
    aPtr += strideA * bytes;
    bPtr += strideB * bytes;
    cPtr += strideC * bytes;
    yPtr += bytes;
    count -= lanes;
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
function anyRow(
  f: i32,
  aPtr: usize,
  strideA: usize,
  bPtr: usize,
  strideB: usize,
  cPtr: usize,
  strideC: usize,
  yPtr: usize,
  count: i32,
): void {
  if (count <= 0) return;
  if (f == Binary.POW && strideB == 0) {
    const exponent = load<f32>(bPtr);
    if (exponent == 2 || exponent == 3) {
      f = exponent == 2 ? Binary.MUL : Binary.CUBE;
      bPtr = aPtr;
      strideB = strideA;
    }
  }
  if ((strideA | strideB) <= 1) {
    switch (f) {
      case Binary.ADD:
        return f32_add(aPtr, strideA, bPtr, strideB, yPtr, count);
      case Binary.SUB:
        return f32_sub(aPtr, strideA, bPtr, strideB, yPtr, count);
      case Binary.MUL:
        return f32_mul(aPtr, strideA, bPtr, strideB, yPtr, count);
      case Binary.DIV:
        return f32_div(aPtr, strideA, bPtr, strideB, yPtr, count);
    }
    // The others share a loop where the module is to be small.
    if (!isDefined(KERF_SMALL)) {
      if (f == Binary.CUBE) return f32_cube(aPtr, strideA, yPtr, count);
      if (f == Binary.MAX) return f32_max(aPtr, strideA, bPtr, strideB, yPtr, count);
      if (f == Binary.MIN) return f32_min(aPtr, strideA, bPtr, strideB, yPtr, count);
    }
  }
  otherRow(f, aPtr, strideA, bPtr, strideB, cPtr, strideC, yPtr, count);
}

/**
 * y = f(a, b), or f(a, b, c), over a box of `rank` axes; every element depends on its own operands only.
 * NaN in either operand gives NaN, also in max and min; pow is {@link f32_pow}, but x * x * x for the power of 3
 * (within 1.5 ulp), the others are correctly rounded; what is picked keeps its bits.
 * @param f  index of the function in {@link Binary}
 * @param rank  1..8
 * @param axesPtr  i32 [rank, 5], outermost axis first, each | dim | strideA | strideB | strideC | strideY |, strides in
 *   elements; strideY of the last axis is 1
 * @param aPtr  float32; y may be a or b itself where that has y's strides, else it is disjoint from both
 * @param cPtr  float32, disjoint from y; not read by functions of two operands
 */
export function f32_elementwise(
  f: i32,
  rank: i32,
  axesPtr: usize,
  aPtr: usize,
  bPtr: usize,
  cPtr: usize,
  yPtr: usize,
): void {
  const dim = load<i32>(axesPtr);
  const strideA = <usize>load<i32>(axesPtr, 4);
  const strideB = <usize>load<i32>(axesPtr, 8);
  const strideC = <usize>load<i32>(axesPtr, 12);
  const strideY = <usize>load<i32>(axesPtr, 16);
  if (rank == 1) return anyRow(f, aPtr, strideA, bPtr, strideB, cPtr, strideC, yPtr, dim);
  for (let i = 0; i < dim; i++) {
    f32_elementwise(f, rank - 1, axesPtr + AXIS_BYTES, aPtr, bPtr, cPtr, yPtr);
    aPtr += strideA << 2;
    bPtr += strideB << 2;
    cPtr += strideC << 2;
    yPtr += strideY << 2;
  }
}
