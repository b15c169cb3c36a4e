/**
 * What a network computes: nodes in static single assignment over named values.
 * Operators and attributes are ONNX's; `Linear` and `EmbeddingBag` (domain "kerf") are the two that patterns produce.
 */
import type { Extent } from '../runtime/extent.js';
import type { DType, Tensor } from '../runtime/tensor.js';

export type Attribute = number | string | bigint | Tensor | readonly number[] | readonly string[] | Graph;

export interface Node {
  /** Unique in the graph; made from the op and a number where the file gives none. */
  readonly name: string;
  readonly op: string;
  /** '' for ai.onnx, 'kerf' for kerf's own operators. */
  readonly domain: string;
  /** Value names; '' for an absent optional input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

/** What is known of a value before anything runs. */
export interface Fact {
  readonly dtype: DType;
  readonly shape: readonly Extent[];
  /** Present when the value does not depend on the inputs. */
  readonly constant?: Tensor;
  /** Elements of a short list of whole numbers that is known up to symbolic dimensions, e.g. what Shape gives. */
  readonly extents?: readonly Extent[];
}

export interface Port {
  readonly name: string;
  readonly dtype: DType;
  /** Symbolic dimensions carry the file's names, or made-up ones that are unique in the graph. */
  readonly shape: readonly Extent[];
  /** Outputs (and inputs of subgraphs) whose dtype or shape the file leaves out: both stand for nothing until inferred. */
  readonly undeclared?: true;
}

/** How a stored weight was rounded: weight = minimum + step * integer. The tests must know it. */
export interface Quantization {
  readonly step: number;
  readonly minimum: number;
}

export interface Graph {
  readonly name: string;
  /** Version of the ai.onnx operator set. */
  readonly opset: number;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** In topological order. */
  readonly nodes: readonly Node[];
  /** Constant values by name, as the file stores them. */
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly quantization: ReadonlyMap<string, Quantization>;
}

/** The file formats that kerf reads. */
export type ModelFormat = 'onnx' | 'tfjs' | 'safetensors' | 'npz';

/** A model as it was read: the graph plus what the reader learned. */
export interface Model {
  readonly format: ModelFormat;
  readonly graph: Graph;
  /** Operators (with domain where it is not ai.onnx) that kerf cannot run, each once, sorted. */
  readonly unsupported: readonly string[];
  /** Lower-case hex SHA-256 of the model's bytes (all files in a fixed order). */
  readonly sha256: string;
  /** Names of the classes along the last axis of the first output, where the file has them. */
  readonly labels?: readonly string[];
}
