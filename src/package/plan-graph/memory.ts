/**
 * What stands in the plan's buffers, as values of a graph.
 *
 *     whole:   one value of the buffer's size, of any shape
 *     pieces:  | piece at 0 | piece at W0 | ..  of rows [M, ld], which several steps wrote side by side
 */
import { extentStrides } from '../../graph/operators/lowering.js';
import { divideExact, type Extent, equals, isStatic, multiply, product } from '../../runtime/extent.js';
import type { Operand, Plan } from '../../runtime/plan.js';
import { allocate, type DType, Tensor } from '../../runtime/tensor.js';
import { isContiguous, pieceShape, rowsOf } from './boxes.js';
import { type GraphWriter, order, type Value } from './graph-writer.js';
import { unpackInt8, unpackPanels } from './unpack.js';

interface Piece {
  readonly at: number;
  readonly width: number;
  readonly value: Value;
}

interface Rows {
  readonly M: Extent;
  readonly ld: number;
  readonly pieces: readonly Piece[];
}

/** W [.., N, K] and b [.., N] of panels. */
export interface Matrix {
  readonly W: Value;
  readonly b: Value;
}

export class Memory {
  readonly #whole = new Map<number, Value>();
  readonly #rows = new Map<number, Rows>();
  readonly #packed = new Map<number, Matrix>();
  readonly #weights = new Map<number, Value>();

  constructor(
    readonly plan: Plan,
    readonly writer: GraphWriter,
  ) {
    for (const { name, dtype, shape, buffer } of plan.inputs) this.#whole.set(buffer, { name, dtype, shape });
  }

  dtypeOf(operand: Operand): DType {
    return 'weight' in operand ? this.plan.weights[operand.weight].dtype : this.plan.buffers[operand.buffer].dtype;
  }

  /** As many elements as stand there, in the shape that they have. */
  readAll(operand: Operand, count: Extent): Value {
    const value = 'buffer' in operand && !operand.offset ? this.#whole.get(operand.buffer) : undefined;
    return value && equals(product(value.shape), count) ? value : this.read(operand, [count]);
  }

  /**
   * The elements of a box.
   * @returns of shape `dims`, with 1 where the stride is 0: for operators that broadcast
   */
  read(operand: Operand, dims: readonly Extent[], strides: readonly Extent[] = extentStrides(dims)): Value {
    const sizes = dims.map((dim, axis) => (strides[axis] === 0 ? 1 : dim));
    const offset = operand.offset ?? 0;
    const whole = this.#readWhole(operand, sizes, strides, offset);
    if (whole) return whole;
    if ('buffer' in operand) {
      const rows = this.#readRows(operand.buffer, sizes, strides, offset);
      if (rows) return rows;
    }
    const flat = this.#flat(operand);
    const count = product(sizes);
    // Nodes that slice at places which are computed say nothing of their sizes.
    if (isContiguous(sizes, strides) && isStatic(offset) && isStatic(count)) {
      return this.writer.reshape(this.writer.slice(flat, 0, offset, count), sizes);
    }
    return this.writer.op('Gather', [flat, this.writer.addresses(sizes, strides, offset)], sizes, { axis: 0 });
  }

  /** Boxes of the buffer's size: reshaped, or transposed. */
  #readWhole(operand: Operand, dims: readonly Extent[], strides: readonly Extent[], offset: Extent): Value | null {
    const { writer } = this;
    if (offset !== 0 || !equals(product(dims), this.#sizeOf(operand))) return null;
    if (isContiguous(dims, strides)) return writer.reshape(this.#value(operand), dims);
    const symbols = this.plan.symbols;
    const perm = dims
      .map((_, axis) => axis)
      .sort((a, b) => order(strides[b], symbols) - order(strides[a], symbols) || a - b);
    const [inOrder, steps] = [dims, strides].map((list) => perm.map((axis) => list[axis]));
    if (!isContiguous(inOrder, steps)) return null;
    const back = dims.map((_, axis) => perm.indexOf(axis));
    return writer.transpose(writer.reshape(this.#value(operand), inOrder), back);
  }

  /** Columns of rows. */
  #readRows(buffer: number, dims: readonly Extent[], strides: readonly Extent[], offset: Extent): Value | null {
    const size = this.plan.buffers[buffer].size;
    const rows = rowsOf(dims, strides, size);
    const M = rows && divideExact(size, rows.ld);
    if (!rows || !isStatic(offset) || offset + rows.width > rows.ld || M === undefined || M === null) return null;
    if (!equals(multiply(M, rows.width), product(dims))) return null;
    const known = this.#rows.get(buffer);
    const piece = known?.ld === rows.ld && known.pieces.find(({ at, width }) => at === offset && width === rows.width);
    if (piece) return this.writer.reshape(piece.value, dims);
    const all = this.writer.reshape(this.#value({ buffer }), pieceShape(M, rows.ld));
    const columns = this.writer.slice(all, all.shape.length - 1, offset, rows.width);
    return this.writer.reshape(columns, dims);
  }

  /** Writes a box of the shape `dims`. */
  write(
    operand: Operand,
    value: Value,
    dims: readonly Extent[],
    strides: readonly Extent[] = extentStrides(dims),
  ): void {
    const { buffer, offset = 0 } = operand as { buffer: number; offset?: Extent };
    const { size } = this.plan.buffers[buffer];
    if (offset === 0 && isContiguous(dims, strides) && equals(product(dims), size)) {
      this.#whole.set(buffer, value);
      this.#rows.delete(buffer);
      return;
    }
    if (this.#writeRows(buffer, value, dims, strides, offset)) return;
    const { writer } = this;
    const at = writer.reshape(writer.addresses(dims, strides, offset), [product(dims)]);
    const flat = this.#isWritten(buffer) ? this.#flat({ buffer }) : this.#zeros(buffer);
    const all = writer.op('ScatterElements', [flat, at, writer.reshape(value, [product(dims)])], [size], { axis: 0 });
    this.#whole.set(buffer, all);
    this.#rows.delete(buffer);
  }

  #writeRows(
    buffer: number,
    value: Value,
    dims: readonly Extent[],
    strides: readonly Extent[],
    offset: Extent,
  ): boolean {
    const { size } = this.plan.buffers[buffer];
    const rows = rowsOf(dims, strides, size);
    const M = rows && divideExact(size, rows.ld);
    if (!rows || !isStatic(offset) || offset + rows.width > rows.ld || M === undefined || M === null) return false;
    if (this.#whole.has(buffer) || !equals(multiply(M, rows.width), product(dims))) return false;
    const known = this.#rows.get(buffer) ?? { M, ld: rows.ld, pieces: [] };
    const end = offset + rows.width;
    if (known.ld !== rows.ld || known.pieces.some(({ at, width }) => at < end && offset < at + width)) return false;
    const piece = { at: offset, width: rows.width, value: this.writer.reshape(value, pieceShape(M, rows.width)) };
    this.#rows.set(buffer, { ...known, pieces: [...known.pieces, piece] });
    return true;
  }

  #isWritten(buffer: number): boolean {
    return this.#whole.has(buffer) || this.#rows.has(buffer);
  }

  #zeros(buffer: number): Value {
    const { dtype, size } = this.plan.buffers[buffer];
    const zero = this.writer.constant('zeros', new Tensor(dtype, allocate(dtype, 1), [1]));
    return this.writer.expand(zero, [size]);
  }

  #sizeOf(operand: Operand): Extent {
    return 'weight' in operand ? this.plan.weights[operand.weight].data.length : this.plan.buffers[operand.buffer].size;
  }

  #flat(operand: Operand): Value {
    return this.writer.reshape(this.#value(operand), [this.#sizeOf(operand)]);
  }

  #value(operand: Operand): Value {
    if ('weight' in operand) return this.#weight(operand.weight);
    const { buffer } = operand;
    const value = this.#whole.get(buffer) ?? this.#join(buffer);
    this.#whole.set(buffer, value);
    this.#rows.delete(buffer);
    return value;
  }

  #weight(index: number): Value {
    const known = this.#weights.get(index);
    if (known) return known;
    const { name, dtype, shape, data } = this.plan.weights[index];
    const value = this.writer.constant(name, new Tensor(dtype, data, shape));
    this.#weights.set(index, value);
    return value;
  }

  /** The pieces of a buffer side by side, with zeros in the gaps. */
  #join(buffer: number): Value {
    const rows = this.#rows.get(buffer);
    if (!rows) return this.#zeros(buffer);
    const { writer } = this;
    const { M, ld } = rows;
    const parts: Value[] = [];
    let end = 0;
    const fillTo = (at: number) => {
      if (at === end) return;
      const { dtype } = this.plan.buffers[buffer];
      const gap = writer.constant('zeros', new Tensor(dtype, allocate(dtype, at - end), [at - end]));
      parts.push(writer.expand(gap, pieceShape(M, at - end)));
    };
    for (const { at, width, value } of [...rows.pieces].sort((a, b) => a.at - b.at)) {
      fillTo(at);
      parts.push(value);
      end = at + width;
    }
    fillTo(ld);
    return parts.length === 1 ? parts[0] : writer.op('Concat', parts, pieceShape(M, ld), { axis: M === 1 ? 0 : 1 });
  }

  /** Remembers a matrix that a step packs into a buffer of panels. */
  pack(operand: Operand, matrix: Matrix): void {
    this.#packed.set((operand as { buffer: number }).buffer, matrix);
  }

  /** The matrix [N, K] of panels; of a buffer what was packed there. Undefined where panels do not begin the operand. */
  matrix(operand: Operand, N: Extent, K: Extent): Matrix | undefined {
    if ('buffer' in operand) return operand.offset ? undefined : this.#packed.get(operand.buffer);
    const weight = this.plan.weights[operand.weight];
    if (!isStatic(N) || !isStatic(K) || !isStatic(operand.offset ?? 0)) return undefined;
    const { W, b } =
      weight.layout === 'panels-int8'
        ? unpackInt8(weight, N, K)
        : unpackPanels(weight, N, K, Number(operand.offset ?? 0));
    return { W: this.writer.constant(weight.name, W), b: this.writer.constant(`${weight.name}_bias`, b) };
  }
}
