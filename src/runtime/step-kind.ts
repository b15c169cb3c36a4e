/** What the schedule, the package reader and the step loop need to know of one kind of step. */
import type { WeightLayout } from './plan.js';
import type { DType } from './tensor.js';

/**
 * Elements [first, end) of one operand that a step touches, counted from the operand's offset; first = end if none.
 * `operand` is a slot: the index into `reads` followed by `writes` of the {@link StepKind}, whether or not optional
 * operands are present. A region of an absent operand is to be ignored. `first` is negative only where a stride is.
 */
export interface Region {
  readonly operand: number;
  readonly first: number;
  readonly end: number;
  /**
   * Sizes and strides of the box that the region spans, where it has gaps: parts that write side by side into the
   * rows of one buffer touch different elements although their spans overlap.
   */
  readonly box?: { readonly dims: readonly number[]; readonly strides: readonly number[] };
}

/** Params after the symbolic dimensions are bound. */
export type BoundParams = Readonly<Record<string, number | readonly number[] | string>>;

export interface OperandSpec {
  readonly name: string;
  /** Allowed dtypes; every dtype if absent. */
  readonly dtypes?: readonly DType[];
  /** Of weights; a buffer of panels is what a `pack` step wrote. */
  readonly layout?: WeightLayout;
  /** May be left out of a step; only the last reads are optional. */
  readonly optional?: boolean;
  /** Of writes: room for the kernel's own use; what stands there after the step says nothing. */
  readonly scratch?: boolean;
}

export interface ParamSpec {
  readonly type: 'size' | 'sizes' | 'real' | 'word';
  /** For `word`: the allowed words; their index is what the kernel gets. */
  readonly words?: readonly string[];
  readonly optional?: boolean;
  /** For `size` and `sizes`: may be negative (strides that run backwards). */
  readonly signed?: boolean;
}

export interface StepKind {
  /** Case number in the step loop of assembly/steps.ts. */
  readonly opcode: number;
  readonly reads: readonly OperandSpec[];
  readonly writes: readonly OperandSpec[];
  readonly params: Readonly<Record<string, ParamSpec>>;
  /** Multiply-adds, or element operations for steps without any; the unit of the cost model. */
  work(params: BoundParams): number;
  /**
   * What is wrong when params and dtypes disagree (e.g. a copy of 8-byte elements on a float32 buffer), or params with
   * each other, or null.
   * The reader must ask before it trusts {@link regions}, which count in elements.
   * @param dtypes  dtype of each operand by slot, undefined where absent
   */
  dtypeProblem?(params: BoundParams, dtypes: readonly (DType | undefined)[]): string | null;
  /** The elements each operand touches, computed in f64 so that no product can wrap. */
  regions(params: BoundParams): readonly Region[];
  /** Bytes, a multiple of 8, that the step may use while it runs and that nobody reads afterwards; none if absent. */
  scratchBytes?(params: BoundParams): number;
  /** Whether it cannot do without. */
  readonly needsScratch?: boolean;
  /**
   * The step's words on the tape, without the leading [opcode, wordCount].
   * @param pointers  byte address of each operand by slot (reads, then writes); 0 where an optional one is absent
   * @param scratchPtr  byte address of its scratch; 0 where it has to do without
   */
  encode(params: BoundParams, pointers: readonly number[], scratchPtr?: number): readonly number[];
}
