/** Steps that move elements: strided copies, and the picking of columns, whose indices are checked in the kernel. */
import type { BoundParams, StepKind } from '../step-kind.js';
import { type DType, elementBytes } from '../tensor.js';
import { boxRegion, coalesce, spanRegion } from './box.js';
import { boxOf, integerWord, pointerWord, sizeOf, wordOf } from './params.js';

const float32 = ['float32'] as const;
const int32 = ['int32'] as const;

/** Bytes of a moved element. */
export function elementSize(params: BoundParams): number {
  return 2 ** wordOf({ elementBytes: String(params.elementBytes ?? 4) }, 'elementBytes', ['1', '2', '4', '8']);
}

/** Elements of a step that moves data without looking at it must have the size that its kernel moves. */
export function movedBytesProblem(bytes: number, dtypes: readonly (DType | undefined)[]): string | null {
  const wrong = dtypes.find((dtype) => dtype !== undefined && elementBytes(dtype) !== bytes);
  return wrong ? `element size differs: got ${wrong}, expected ${bytes} bytes an element` : null;
}

/**
 * dst[i . dstStrides] = src[i . srcStrides] for every index i of the box `dims`; strides in elements, negative ones run
 * backwards from the operand's offset. Serves Transpose, Concat, Slice, Expand, Split. src and dst are disjoint.
 */
export const copy: StepKind = {
  opcode: 7,
  reads: [{ name: 'src' }],
  writes: [{ name: 'dst' }],
  params: {
    elementBytes: { type: 'size', optional: true },
    dims: { type: 'sizes' },
    srcStrides: { type: 'sizes', signed: true },
    dstStrides: { type: 'sizes', signed: true },
  },
  work: (params) => boxOf(params, ['dims'])[0].reduce((product, dim) => product * dim, 1),
  dtypeProblem(params, dtypes) {
    return movedBytesProblem(elementSize(params), dtypes);
  },
  regions(params) {
    const [dims, srcStrides, dstStrides] = boxOf(params, ['dims', 'srcStrides', 'dstStrides'], true);
    return [boxRegion(0, dims, srcStrides), boxRegion(1, dims, dstStrides)];
  },
  encode(params, [src, dst]) {
    const [shape, srcStrides, dstStrides] = boxOf(params, ['dims', 'srcStrides', 'dstStrides'], true);
    const { dims, strides } = coalesce(shape, [srcStrides, dstStrides]);
    const axes = dims.flatMap((dim, d) => [dim, strides[0][d], strides[1][d]]);
    return [...[src, dst].map(pointerWord), elementSize(params), dims.length, ...axes.map(integerWord)];
  },
};

/** y [M, N] with row stride ldy: y[m, j] = x[m, indices[j]]; every index is in 0..columns-1 or the run fails. */
export const gatherColumns: StepKind = {
  opcode: 8,
  reads: [
    { name: 'x', dtypes: float32 },
    { name: 'indices', dtypes: int32 },
  ],
  writes: [{ name: 'y', dtypes: float32 }],
  params: {
    M: { type: 'size' },
    N: { type: 'size' },
    columns: { type: 'size' },
    ldx: { type: 'size', optional: true },
    ldy: { type: 'size', optional: true },
  },
  work: (params) => sizeOf(params, 'M') * sizeOf(params, 'N'),
  regions(params) {
    const [M, N, columns] = [sizeOf(params, 'M'), sizeOf(params, 'N'), sizeOf(params, 'columns')];
    return [
      boxRegion(0, [N === 0 ? 0 : M, columns], [sizeOf(params, 'ldx', columns), 1]),
      spanRegion(1, N),
      boxRegion(2, [M, N], [sizeOf(params, 'ldy', N), 1]),
    ];
  },
  encode(params, pointers) {
    const [M, N, columns] = [sizeOf(params, 'M'), sizeOf(params, 'N'), sizeOf(params, 'columns')];
    const strides = [sizeOf(params, 'ldx', columns), sizeOf(params, 'ldy', N)];
    return [...pointers.map(pointerWord), ...[M, N, columns, ...strides].map(integerWord)];
  },
};
