/** Nodes of a reverse pass while they are written down: operators of kerf again, so that its kernels compute them. */
import type { Attribute, Graph, Node } from '../../graph/graph.js';
import { type Facts, inferFacts } from '../../graph/infer.js';
import { type Extent, equals, isStatic } from '../../runtime/extent.js';
import { Tensor } from '../../runtime/tensor.js';

type Shape = readonly Extent[];

/** First operator set in which everything that the rules emit exists. */
export const firstOpset = 9;

/** First operator set in which ReduceSum, Squeeze and Unsqueeze take their axes as an input. */
const axesAsInput = 13;
const slicesAsInput = 10;

/** Collects nodes and constants behind a graph. */
export class Tape {
  readonly nodes: Node[] = [];
  readonly constants = new Map<string, Tensor>();
  readonly facts: Facts;
  readonly #taken: Set<string>;

  constructor(readonly graph: Graph) {
    this.facts = inferFacts(graph);
    this.#taken = new Set([...this.facts.keys(), ...graph.nodes.map(({ name }) => name)]);
  }

  /** A name that nothing has yet. */
  fresh(base: string): string {
    let name = base;
    for (let number = 2; this.#taken.has(name); number++) name = `${base}.${number}`;
    this.#taken.add(name);
    return name;
  }

  shapeOf(value: string): Shape {
    return this.facts.get(value)!.shape;
  }

  /** The value of a constant input; undefined for a computed or absent one. */
  constantOf(value: string | undefined): Tensor | undefined {
    return value ? this.facts.get(value)?.constant : undefined;
  }

  constant(tensor: Tensor): string {
    const name = this.fresh('reverse/constant');
    this.constants.set(name, tensor);
    return name;
  }

  scalar(value: number): string {
    return this.constant(new Tensor('float32', Float32Array.of(value), []));
  }

  integers(values: readonly number[]): string {
    return this.constant(new Tensor('int64', BigInt64Array.from(values, BigInt), [values.length]));
  }

  /** Appends a node and names its one output. */
  emit(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = '',
  ): string {
    const name = this.fresh(`reverse/${op}`);
    this.nodes.push({ name, op, domain, inputs, outputs: [name], attributes: new Map(Object.entries(attributes)) });
    return name;
  }

  /** 1 where y = x, else 0. */
  sameness(x: string, y: string): string {
    const differs = this.emit('Abs', [this.emit('Sign', [this.emit('Sub', [y, x])])]);
    return this.emit('Sub', [this.scalar(1), differs]);
  }

  /** Sums over axes, which stay as 1. */
  sum(value: string, axes: readonly number[]): string {
    if (this.graph.opset < axesAsInput) return this.emit('ReduceSum', [value], { axes, keepdims: 1 });
    return this.emit('ReduceSum', [value, this.integers(axes)], { keepdims: 1 });
  }

  /** Elements first..end - 1 of one axis. */
  slice(value: string, axis: number, first: number, end: number): string {
    if (this.graph.opset < slicesAsInput)
      return this.emit('Slice', [value], { axes: [axis], starts: [first], ends: [end] });
    return this.emit('Slice', [value, ...[first, end, axis].map((number) => this.integers([number]))]);
  }

  /** The same elements under another shape; undefined when two of its sizes are symbolic. */
  reshape(value: string, shape: Shape): string | undefined {
    if (shape.filter((extent) => !isStatic(extent)).length > 1) return undefined;
    const target = shape.map((extent) => (isStatic(extent) ? extent : -1));
    return this.emit('Reshape', [value, this.integers(target)]);
  }

  /** Sums a gradient over the axes along which an operand of shape `to` was repeated to shape `from`. */
  unbroadcast(value: string, from: Shape, to: Shape): string | undefined {
    const lead = from.length - to.length;
    const axes = from.flatMap((extent, axis) => (axis < lead || !equals(extent, to[axis - lead]) ? [axis] : []));
    if (axes.length === 0) return value;
    const sum = this.sum(value, axes);
    return lead === 0 ? sum : this.reshape(sum, to);
  }
}
