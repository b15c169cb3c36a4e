/**
 * An operator of the graph: declares its name, opset range, dtypes, output facts, reference value and lowering.
 * Adding one is one entry in operators/; nothing else in kerf names operators.
 */
import type { Extent } from '../runtime/extent.js';
import type { Operand, PlanWeight, StepParam } from '../runtime/plan.js';
import type { DType, Tensor } from '../runtime/tensor.js';
import type { Fact, Node } from './graph.js';

/** Where a value lives while the plan is built: elements of a buffer from `offset` on, row-major. */
export interface Place {
  readonly operand: Operand;
  readonly fact: Fact;
}

/** A value as rows along its last axis, `stride` elements apart: a piece of a wider value stands inside that one. */
export interface Rows {
  readonly operand: Operand;
  readonly stride: Extent;
  readonly fact: Fact;
}

/** How a concat is made: not at all, since its readers take the pieces; or from the pieces that are not in it yet. */
export interface Join {
  readonly isVirtual: boolean;
  /** Whether the rows of `piece` already stand from column `first` on. */
  isInside(piece: string, first: Extent): boolean;
}

/** Weights [N, K] as bytes: w(n, k) = bytes[n * strideN + k * strideK], and two numbers for each output. */
export interface Int8Weights {
  readonly bytes: Tensor<'int8'> | Tensor<'uint8'>;
  readonly N: number;
  readonly K: number;
  readonly strideN: number;
  readonly strideK: number;
  /** [N]: the bias; or what is added to every weight of an output, as whole numbers. */
  readonly add: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
  /** [N]. */
  readonly scale: Float32Array<ArrayBuffer>;
}

/** What `lower` may ask of the plan builder. */
export interface PlanBuilder {
  /** Place of a node input, without gaps; constants become plain weights on first use. */
  place(value: string): Place;
  /** The rows of a node input where they stand. */
  rows(value: string): Rows;
  /** The rows of a node input; the two of a concat that linear layers alone read, which then takes no memory itself. */
  sources(value: string): readonly Rows[];
  /** Fact of a value. */
  fact(value: string): Fact;
  /** A fresh buffer for a node output, and its place. */
  output(value: string): Place;
  /** Where to write the rows of a node output: inside the concat that they are a piece of, or a fresh buffer. */
  outputRows(value: string): Rows;
  /** How the builder makes a concat along the last axis. */
  join(value: string): Join;
  /** Declares where the rows of `value` stand: no step, no memory. */
  view(value: string, rows: Omit<Rows, 'fact'>): void;
  /** Declares that `value` is `source` under another shape or name: no step, no memory. */
  alias(value: string, source: string): void;
  /** Scratch buffer that only this node's steps use. */
  scratch(dtype: DType, size: Extent): Operand;
  /** Registers constant data; the same `name` is stored once. */
  weight(weight: PlanWeight): Operand;
  /**
   * Packs W [N, K] and b [N] (or null) into panels with the WASM kernel.
   * @param stored  dtype in the file; float16 rounds
   */
  panels(name: string, W: Tensor<'float32'>, b: Tensor<'float32'> | null, stored?: 'float32' | 'float16'): Operand;
  /** Packs weights of bytes into panels; `make` is called where no weight of that name and `add` is known. */
  int8Panels(name: string, add: Tensor | null, make: () => Int8Weights): Operand;
  step(
    kind: string,
    reads: readonly Operand[],
    writes: readonly Operand[],
    params: Readonly<Record<string, StepParam>>,
  ): void;
}

export interface Operator {
  readonly name: string;
  /** '' for ai.onnx, 'kerf' for kerf's own. */
  readonly domain: string;
  /** First and last ai.onnx opset whose definition this entry implements; several entries may share a name. */
  readonly opsets: readonly [first: number, last: number];
  /** Dtypes of the first data input that the operator accepts. */
  readonly dtypes: readonly DType[];
  /**
   * Facts of the outputs.
   * @throws SHAPE_MISMATCH, DTYPE_MISMATCH, MODEL_INVALID in the house's sentence, naming the node
   */
  infer(node: Node, inputs: readonly (Fact | undefined)[], opset: number): readonly Fact[];
  /** Reference value, plain TypeScript, f64 inside where the dtype is a float: folding, and the slow step. */
  evaluate(node: Node, inputs: readonly (Tensor | undefined)[], opset: number): readonly Tensor[];
  /** Emits steps. Absent or returning false: the plan gets a `reference` step, which kerf/runtime refuses. */
  lower?(node: Node, builder: PlanBuilder, opset: number): boolean;
  /** Whether output row i depends on row i of the inputs alone, for the leading symbolic dimension. Default: false. */
  rowIndependent?(node: Node, inputs: readonly (Fact | undefined)[], outputs: readonly Fact[]): boolean;
  /** Multiply-adds per run, biases excluded; absent for operators without any. */
  macs?(node: Node, inputs: readonly (Fact | undefined)[], outputs: readonly Fact[]): Extent;
}
