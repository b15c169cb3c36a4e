/** The weight tensors of layers as a flat list: what is tested, in file terms. */
import type { Quantization } from '../graph/graph.js';
import type { Layer } from '../graph/layers.js';
import type { TensorData } from '../runtime/tensor.js';
import type { Fans } from './laws.js';

/** Elements that stand in an open file as float32, little-endian, at `at` bytes from its start. */
export interface StoredValues {
  readonly handle: number;
  readonly at: number;
}

/** One tensor to test: a matrix [rows, columns], or a bias as one row. */
export interface TensorInput {
  /** In the file. */
  readonly name: string;
  readonly layer: string | null;
  readonly kind: 'weight' | 'bias' | 'embedding';
  /** Of a tensor that stays in its file each look reads it anew, into the same array. */
  readonly values: TensorData<'float32'>;
  /** The same elements where any thread can read them, without a copy in between. */
  readonly stored?: StoredValues;
  readonly rows: number;
  readonly columns: number;
  readonly fans: Fans;
  /** Quantisation step; 0 when the weights are exact. */
  readonly step: number;
  /** Why no law by name can be its null. */
  readonly noLaw?: string;
}

/** What one input feeds: each output, and each tap of a convolution's window. */
function fanOutOf({ weight, taps = 1 }: Layer): number {
  return weight.dims[0] * taps;
}

/**
 * Weight and bias of every layer, each stored tensor once (layers may share one).
 * @param quantization  of biases; weights carry their own
 */
export function tensorsOf(
  layers: readonly Layer[],
  quantization: ReadonlyMap<string, Quantization> = new Map(),
): TensorInput[] {
  const inputs = new Map<string, TensorInput>();
  for (const layer of layers) {
    const [rows, columns] = layer.weight.dims;
    const fans = { fanIn: columns, fanOut: fanOutOf(layer) };
    const common = { layer: layer.name, fans };
    if (!inputs.has(layer.tensor)) {
      const kind = layer.kind === 'embedding' ? 'embedding' : 'weight';
      const step = layer.quantization?.step ?? 0;
      inputs.set(layer.tensor, { ...common, name: layer.tensor, kind, values: layer.weight.data, rows, columns, step });
    }
    if (layer.bias && layer.biasTensor && !inputs.has(layer.biasTensor)) {
      const size = layer.bias.size;
      inputs.set(layer.biasTensor, {
        ...common,
        name: layer.biasTensor,
        kind: 'bias',
        values: layer.bias.data,
        rows: 1,
        columns: size,
        step: quantization.get(layer.biasTensor)?.step ?? 0,
      });
    }
  }
  return [...inputs.values()];
}
