/** Writes the nodes of a graph one by one, and computes sizes that are open inside it. */
import { removeDead } from '../../graph/fold.js';
import type { Attribute, Graph, Node } from '../../graph/graph.js';
import { KerfError } from '../../runtime/errors.js';
import { add, type Extent, equals, evaluate, isStatic, symbol } from '../../runtime/extent.js';
import type { Plan } from '../../runtime/plan.js';
import { type DType, elementCount, Tensor } from '../../runtime/tensor.js';

/** A value of the graph that is being written. */
export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Extent[];
  /** Of constants. */
  readonly tensor?: Tensor;
}

/** Most addresses that are listed in the file. */
const mostAddresses = 2 ** 24;

/** The node that makes a value. */
export interface Made {
  readonly op: string;
  readonly inputs: readonly (Value | null)[];
}

export type Attributes = Readonly<Record<string, Attribute>>;

const isSame = (a: readonly Extent[], b: readonly Extent[]) =>
  a.length === b.length && a.every((dim, axis) => equals(dim, b[axis]));

export const int64 = (values: readonly number[], dims: readonly number[] = [values.length]) =>
  new Tensor('int64', BigInt64Array.from(values, BigInt), dims);

export class GraphWriter {
  readonly nodes: Node[] = [];
  readonly initializers = new Map<string, Tensor>();
  readonly #names = new Set<string>();
  /** By the name of the value. */
  readonly #makers = new Map<string, Made>();
  /** Sizes that were computed, by their extents. */
  readonly #sizes = new Map<string, Value>();

  constructor(
    readonly plan: Plan,
    /** Of the nodes. */
    readonly opset: number,
  ) {
    for (const { name } of [...plan.inputs, ...plan.outputs]) this.#names.add(name);
  }

  fresh(base: string): string {
    let name = base;
    for (let i = 2; this.#names.has(name); i++) name = `${base}_${i}`;
    this.#names.add(name);
    return name;
  }

  constant(base: string, tensor: Tensor): Value {
    const name = this.fresh(base);
    this.initializers.set(name, tensor);
    return { name, dtype: tensor.type, shape: tensor.dims, tensor };
  }

  /** A node of several outputs; `shapes` has null for those that are left out. */
  push(
    op: string,
    inputs: readonly (Value | null)[],
    dtype: DType,
    shapes: readonly (readonly Extent[] | null)[],
    attributes: Attributes = {},
    domain = '',
  ): Value[] {
    const name = this.fresh(op);
    const outputs = shapes.map((shape, i) => (shape === null ? '' : i === 0 ? name : this.fresh(`${name}_${i}`)));
    const list = inputs.map((value) => value?.name ?? '');
    while (list.at(-1) === '') list.pop();
    this.#makers.set(name, { op, inputs });
    this.nodes.push({ name, op, domain, inputs: list, outputs, attributes: new Map(Object.entries(attributes)) });
    return outputs.map((value, i) => ({ name: value, dtype, shape: shapes[i] ?? [] }));
  }

  /** What made a value, through changes of its shape; undefined for inputs and constants. */
  makerOf({ name }: Value): Made | undefined {
    const made = this.#makers.get(name);
    return made?.op === 'Reshape' && made.inputs[0] ? this.makerOf(made.inputs[0]) : made;
  }

  /** A node of one output, of its first input's dtype. */
  op(op: string, inputs: readonly Value[], shape: readonly Extent[], attributes: Attributes = {}): Value {
    return this.push(op, inputs, inputs[0].dtype, [shape], attributes)[0];
  }

  reshape(value: Value, dims: readonly Extent[]): Value {
    if (isSame(value.shape, dims)) return value;
    if (value.tensor && dims.every(isStatic)) {
      return this.constant(value.name, value.tensor.reshape(dims as readonly number[]));
    }
    const open = dims.filter((dim) => !isStatic(dim));
    const sizes = dims.map((dim) => (isStatic(dim) ? dim : -1));
    const to = open.length > 1 ? this.shape(dims) : this.constant('shape', int64(sizes));
    return this.op('Reshape', [value, to], dims);
  }

  transpose(value: Value, perm: readonly number[]): Value {
    return this.op(
      'Transpose',
      [value],
      perm.map((axis) => value.shape[axis]),
      { perm },
    );
  }

  /** Elements [first, first + count) of one axis. */
  slice(value: Value, axis: number, first: Extent, count: Extent): Value {
    const shape = value.shape.map((dim, at) => (at === axis ? count : dim));
    return this.op(
      'Slice',
      [value, this.size(first), this.size(add(first, count)), this.constant('axes', int64([axis]))],
      shape,
    );
  }

  expand(value: Value, dims: readonly Extent[]): Value {
    return isSame(value.shape, dims) ? value : this.op('Expand', [value, this.shape(dims)], dims);
  }

  /** A shape as a list of whole numbers [rank]. */
  shape(dims: readonly Extent[]): Value {
    if (dims.every(isStatic)) return this.constant('shape', int64(dims as readonly number[]));
    const sizes = dims.map((dim) => this.size(dim));
    return this.push('Concat', sizes, 'int64', [[dims.length]], { axis: 0 })[0];
  }

  /** An extent as a list of one whole number. */
  size(extent: Extent): Value {
    const key = JSON.stringify(extent);
    const known =
      this.#sizes.get(key) ?? (isStatic(extent) ? this.constant('size', int64([extent])) : this.#sum(extent));
    this.#sizes.set(key, known);
    return known;
  }

  #sum(terms: Exclude<Extent, number>): Value {
    if (terms.length === 0) return this.size(0);
    const values = terms.map(([coefficient, ...names]) => {
      const factors = names.map((name) => this.#symbol(name));
      if (coefficient !== 1 || factors.length === 0) factors.unshift(this.constant('size', int64([coefficient])));
      return factors.reduce((a, b) => this.op('Mul', [a, b], [1]));
    });
    return values.reduce((a, b) => this.op('Add', [a, b], [1]));
  }

  /** A symbol's value, from the shape of an input that has it: each is a dimension of one. */
  #symbol(name: string): Value {
    const known = this.#sizes.get(name);
    if (known) return known;
    for (const port of this.plan.inputs) {
      const axis = port.shape.findIndex((dim) => equals(dim, symbol(name)));
      if (axis < 0) continue;
      const shape = this.push('Shape', [port], 'int64', [[port.shape.length]])[0];
      const size = this.op('Gather', [shape, this.constant('axis', int64([axis]))], [1], { axis: 0 });
      this.#sizes.set(name, size);
      return size;
    }
    throw new RangeError(`symbol "${name}" is not a dimension of any input`);
  }

  /** Addresses offset + i . strides of a box, as int64 [...dims]. */
  addresses(dims: readonly Extent[], strides: readonly Extent[], offset: Extent): Value {
    if ([...dims, ...strides, offset].every(isStatic)) {
      const sizes = dims as readonly number[];
      const count = elementCount(sizes);
      if (count > mostAddresses) {
        const problem = `a step moves too many single elements: got ${count}, expected at most ${mostAddresses}. Write the network by decompose --onnx.`;
        throw new KerfError('MODEL_LIMIT', 'package', problem, { got: count });
      }
      const at = new Float64Array(count).fill(offset as number);
      let inner = at.length;
      sizes.forEach((size, axis) => {
        inner /= Math.max(1, size);
        for (let i = 0; i < at.length; i++) at[i] += (Math.floor(i / inner) % size) * (strides[axis] as number);
      });
      return this.constant('indices', int64([...at], sizes));
    }
    let sum = this.reshape(
      this.size(offset),
      dims.map(() => 1),
    );
    dims.forEach((dim, axis) => {
      if (dim === 1) return;
      const range = this.#range(dim);
      const scaled = this.op('Mul', [range, this.size(strides[axis])], [dim]);
      const along = this.reshape(
        scaled,
        dims.map((_, at) => (at === axis ? dim : 1)),
      );
      sum = this.op(
        'Add',
        [sum, along],
        sum.shape.map((size, at) => (at === axis ? dim : size)),
      );
    });
    return sum;
  }

  /** 0, 1, .. [count]: how many ones come before each of so many. */
  #range(count: Extent): Value {
    const ones = this.expand(this.constant('one', int64([1])), [count]);
    return this.op('CumSum', [ones, this.constant('axis', int64([0], []))], [count], { exclusive: 1 });
  }

  /** The graph, whose outputs are `values` under the names of the plan's. */
  graph(values: readonly Value[]): Graph {
    const { inputs, outputs } = this.plan;
    const given = new Set([...inputs.map(({ name }) => name), ...this.initializers.keys()]);
    const renamed = new Map<string, string>();
    outputs.forEach(({ name }, i) => {
      // An output of an input's name is the input.
      if (inputs.some((port) => port.name === name)) return;
      const isTaken = given.has(values[i].name) || renamed.has(values[i].name);
      const value = isTaken ? this.op('Identity', [values[i]], values[i].shape) : values[i];
      renamed.set(value.name, name);
    });
    const rename = (value: string) => renamed.get(value) ?? value;
    const nodes = this.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    }));
    const ports = (list: Plan['inputs']) => list.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
    return removeDead({
      ...{ name: 'kerf', opset: this.opset, nodes, initializers: this.initializers, quantization: new Map() },
      ...{ inputs: ports(inputs), outputs: ports(outputs) },
    });
  }
}

/** An order of extents: by their value where all symbols are a large prime. */
export function order(extent: Extent, symbols: readonly string[]): number {
  return evaluate(extent, new Map(symbols.map((name) => [name, 8191])));
}
