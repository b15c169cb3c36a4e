/** Evidence on weights without a network: each tensor by itself. */
import type { Graph } from '../graph/graph.js';
import type { TensorData } from '../runtime/tensor.js';
import { type AnalyzeOptions, analyzeInputs } from './analyze-layers.js';
import type { Evidence } from './evidence.js';
import type { StoredValues, TensorInput } from './tensor-input.js';

/** A tensor of a weights file; a vector, or a matrix with outputs first. */
export interface NamedWeights {
  readonly name: string;
  readonly dims: readonly number[];
  /** Its elements; the array may be used again by the next read. */
  read(): TensorData<'float32'>;
  readonly stored?: StoredValues;
}

/** The float32 tensors of a graph. */
export function weightsOf({ initializers }: Graph): NamedWeights[] {
  return [...initializers]
    .filter(([, { type }]) => type === 'float32')
    .map(([name, { dims, data }]) => ({ name, dims, read: () => data as TensorData<'float32'> }));
}

/** `encoder.0.weight` and `encoder.0.bias` belong to the layer `encoder.0`. */
function layerOf(name: string): string {
  const end = Math.max(name.lastIndexOf('.'), name.lastIndexOf('/'));
  return end > 0 ? name.slice(0, end) : name;
}

const isTable = (name: string) => /embed|\bwte\b|\bwpe\b/i.test(name);
const productOf = (dims: readonly number[]) => dims.reduce((product, dim) => product * dim, 1);

/** A tensor of rank two or more as a matrix [O, I ...]: a convolution [O, I, kh, kw] is [O, I kh kw]. */
function asMatrix({ name, dims }: NamedWeights): Omit<TensorInput, 'values'> {
  const [rows, ...rest] = dims;
  const columns = productOf(rest);
  const kind = dims.length === 2 && isTable(name) ? 'embedding' : 'weight';
  const fans = kind === 'embedding' ? { fanIn: rows, fanOut: columns } : fansOf(dims);
  return { name, layer: layerOf(name), kind, rows, columns, fans, step: 0 };
}

/** Every place of a convolution's kernel counts for both fans, as in torch. */
function fansOf([rows, inner, ...kernel]: readonly number[]): TensorInput['fans'] {
  return { fanIn: inner * productOf(kernel), fanOut: rows * productOf(kernel) };
}

/** A vector: the bias of the matrix that shares its layer's name, or one that no law by name speaks of. */
function asVector(
  { name, dims }: NamedWeights,
  matrices: ReadonlyMap<string, TensorInput>,
): Omit<TensorInput, 'values'> {
  const matrix = matrices.get(layerOf(name));
  const columns = productOf(dims);
  const common = { name, kind: 'bias', rows: 1, columns, step: 0 } as const;
  if (matrix && /bias$/i.test(name) && matrix.rows === columns) {
    return { ...common, layer: matrix.layer, fans: matrix.fans };
  }
  const noLaw = 'it is a vector without a matrix of its own, as in a normalisation';
  return { ...common, layer: null, fans: { fanIn: columns, fanOut: columns }, noLaw };
}

function withValues(input: Omit<TensorInput, 'values'>, weights: NamedWeights): TensorInput {
  return {
    ...input,
    get values() {
      return weights.read();
    },
    ...(weights.stored && { stored: weights.stored }),
  };
}

/** The tensors of a weights file, in its order; scalars and empty tensors are left out. */
export function inputsOf(file: readonly NamedWeights[]): TensorInput[] {
  const tested = file.filter(({ dims }) => dims.length > 0 && productOf(dims) > 0);
  const isMatrix = ({ dims }: NamedWeights) => dims.length >= 2 && productOf(dims.slice(1)) > 1;
  const matrices = new Map(
    tested.filter(isMatrix).map((weights) => {
      const input = withValues(asMatrix(weights), weights);
      return [input.layer ?? '', input] as const;
    }),
  );
  return tested.map((weights) =>
    withValues(isMatrix(weights) ? asMatrix(weights) : asVector(weights, matrices), weights),
  );
}

/**
 * Tests every tensor of a weights file, one in memory at a time.
 * @throws as {@link analyzeLayers}
 */
export async function analyzeWeights(file: readonly NamedWeights[], options: AnalyzeOptions = {}): Promise<Evidence> {
  return analyzeInputs(inputsOf(file), [], options);
}
