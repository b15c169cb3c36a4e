/** Elements of one operand or of another, by a condition. */
import { loadLanes, storeLanes } from '../linear/lanes';

/** Bytes of one axis in the box: | dim | strideC | strideA | strideB | strideY |, i32 each, strides in elements. */
const AXIS_BYTES: usize = 20;

/** One row, by vectors where every operand is contiguous or one element, else element by element. */
function selectRow(
  keep: v128,
  cPtr: usize,
  strideC: usize,
  aPtr: usize,
  strideA: usize,
  bPtr: usize,
  strideB: usize,
  yPtr: usize,
  count: i32,
): void {
  const most = (strideC | strideA | strideB) > 1 ? 1 : 4;
  while (count > 0) {
    const lanes = min(most, count);
    const c = strideC ? loadLanes(cPtr, lanes) : v128.load32_splat(cPtr);
    const a = strideA ? loadLanes(aPtr, lanes) : v128.load32_splat(aPtr);
    const b = strideB ? loadLanes(bPtr, lanes) : v128.load32_splat(bPtr);
    storeLanes(yPtr, v128.bitselect(a, b, f32x4.ne(c, v128.and(c, keep))), lanes);
    const bytes = (<usize>lanes) << 2;
    cPtr += strideC * bytes;
    aPtr += strideA * bytes;
    bPtr += strideB * bytes;
    yPtr += bytes;
    count -= lanes;
  }
}

/**
 * y = a where the condition c holds, b elsewhere, bit by bit, over a box of `rank` axes.
 * @param isNaN  0: holds where c is not 0, NaN included; -1: where c is NaN
 * @param rank  1..8
 * @param axesPtr  i32 [rank, 5], outermost axis first, each | dim | strideC | strideA | strideB | strideY |, strides in
 *   elements; strideY of the last axis is 1
 * @param yPtr  float32; disjoint from the others
 */
export function f32_select(
  isNaN: i32,
  rank: i32,
  axesPtr: usize,
  cPtr: usize,
  aPtr: usize,
  bPtr: usize,
  yPtr: usize,
): void {
  const dim = load<i32>(axesPtr);
  const strideC = <usize>load<i32>(axesPtr, 4);
  const strideA = <usize>load<i32>(axesPtr, 8);
  const strideB = <usize>load<i32>(axesPtr, 12);
  const strideY = <usize>load<i32>(axesPtr, 16);
  if (rank === 1) return selectRow(i32x4.splat(isNaN), cPtr, strideC, aPtr, strideA, bPtr, strideB, yPtr, dim);
  for (let i = 0; i < dim; i++) {
    f32_select(isNaN, rank - 1, axesPtr + AXIS_BYTES, cPtr, aPtr, bPtr, yPtr);
    cPtr += strideC << 2;
    aPtr += strideA << 2;
    bPtr += strideB << 2;
    yPtr += strideY << 2;
  }
}
