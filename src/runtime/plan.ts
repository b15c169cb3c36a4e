/**
 * A plan: steps over numbered buffers. Immutable and portable: no thread count, no memory offset, no instruction set.
 *
 *     inputs ─▶ buffers ─▶ steps (read weights and buffers, write buffers) ─▶ outputs
 *                            └── grouped into parts: part q starts after the parts in `after` have ended
 *
 * The schedule (schedule.ts) turns a plan into memory offsets and tapes for one binding of the symbolic dimensions.
 */
import type { Extent } from './extent.js';
import type { DType, TensorData } from './tensor.js';

/** Version of the plan schema that this code writes and reads. */
export const planVersion = 1;

/** A named input or output of the network, in buffer `buffer` from its first element on. */
export interface PlanPort {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Extent[];
  readonly buffer: number;
}

/** Activation memory, size in elements. */
export interface PlanBuffer {
  readonly dtype: DType;
  readonly size: Extent;
}

/**
 * Constant memory. `plain`: row-major `shape`. `panels`: a linear layer's [N, K] matrix with its bias, see panels.ts;
 * `shape` is then the logical [N, K], and `data.length` is `panelLength(N, K)`. Panels of float16 are widened when they
 * are loaded: kernels see float32. `panels-int8`: int8 weights with scales, `int8PanelLength(N, K)` bytes.
 */
export interface PlanWeight {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly layout: WeightLayout;
  /** The elements; in a file they stand in the safetensors payload under `name`, not in the plan. */
  readonly data: TensorData;
}

/** How the elements of a weight stand, see {@link PlanWeight}. */
export type WeightLayout = 'plain' | 'panels' | 'panels-int8';

/** Where a step reads or writes: a buffer or a weight, from element `offset` (default 0) on. */
export type Operand =
  | { readonly buffer: number; readonly offset?: Extent }
  | { readonly weight: number; readonly offset?: Extent };

/** A parameter of a step: a size, a list of sizes, a real number, a word of an enumeration, or JSON (reference steps). */
export type StepParam = Extent | readonly Extent[] | string | { readonly real: number } | { readonly json: unknown };

/** One step; `kind` names an entry of the step table (step-kinds.ts), which says what operands and params it has. */
export interface Step {
  readonly kind: string;
  readonly reads: readonly Operand[];
  readonly writes: readonly Operand[];
  readonly params: Readonly<Record<string, StepParam>>;
  /** Name of the graph node it came from, for messages and profiles. */
  readonly node?: string;
}

/** An independent substructure: steps [first, end) and the parts that must have ended before. */
export interface PlanPart {
  readonly id: number;
  readonly first: number;
  readonly end: number;
  readonly after: readonly number[];
  /** The part that this is a piece of, where threads share one; never in a file. */
  readonly of?: number;
}

export interface Plan {
  readonly version: typeof planVersion;
  /** Symbolic dimensions, bound by the shapes of the inputs at each run. */
  readonly symbols: readonly string[];
  readonly inputs: readonly PlanPort[];
  readonly outputs: readonly PlanPort[];
  readonly buffers: readonly PlanBuffer[];
  readonly weights: readonly PlanWeight[];
  readonly steps: readonly Step[];
  readonly parts: readonly PlanPart[];
  /**
   * The symbol that is the first dimension of every input and output and along which rows do not depend on each other,
   * so that a run may be cut into row chunks; null if there is none.
   */
  readonly rows: string | null;
}
