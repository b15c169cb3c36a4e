/**
 * The linear layers of a canonical graph: what evidence tests and annealing changes.
 * W is [out, in] and y = W x + b, however the file stored it; rows are outputs, columns inputs.
 */

import type { Tensor } from '../runtime/tensor.js';
import type { Quantization } from './graph.js';

/** The activation that follows a layer directly and alone, or none. */
export type Activation = 'none' | 'Relu' | string;

export interface Layer {
  /** Name of the `Linear` or `EmbeddingBag` node. */
  readonly name: string;
  readonly kind: 'linear' | 'embedding';
  /** Name of the weight tensor in the file. */
  readonly tensor: string;
  /** [out, in], float32. For an embedding: [dimension, vocabulary] (transposed copy of the table). */
  readonly weight: Tensor<'float32'>;
  readonly bias: Tensor<'float32'> | null;
  readonly biasTensor: string | null;
  readonly quantization: Quantization | null;
  /** Value names. */
  readonly input: string;
  readonly output: string;
  readonly activation: Activation;
  /** Layers whose outputs (through elementwise activations only) are this layer's input, and the reverse. */
  readonly previous: readonly string[];
  readonly next: readonly string[];
}
