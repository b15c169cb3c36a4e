/** The header of a safetensors file of weights: the checks of a package, for every dtype, in a model's words. */

import { KerfError } from '../runtime/errors.js';
import { type Header, type HeaderRules, readHeader, safetensorsDtypes } from '../runtime/format/safetensors.js';
import { type DType, elementBytes, elementCount } from '../runtime/tensor.js';
import type { ModelLimits } from './limits.js';
import { quote } from './quote.js';

export const safetensorsRules: HeaderRules<DType> = {
  dtypeOf: new Map(Object.entries(safetensorsDtypes).map(([dtype, name]) => [name, dtype as DType] as const)),
  elementBytes,
  where: 'model',
  invalid: (where, problem, options) =>
    new KerfError('MODEL_INVALID', where, `safetensors: ${problem}. Export the weights again.`, {}, options),
};

function overLimit(name: string, what: string, got: number, most: number): KerfError {
  return new KerfError(
    'MODEL_LIMIT',
    `tensor ${quote(name)}`,
    `${what} is too large: got ${got}, expected <= ${most}.`,
  );
}

/**
 * Reads the header of a file of weights.
 * @param bytes  the JSON text
 * @throws MODEL_INVALID when it is malformed or does not fit the payload; MODEL_LIMIT when a tensor is too large
 */
export function readWeightsHeader(bytes: Uint8Array, payloadBytes: number, limits: ModelLimits): Header<DType> {
  const header = readHeader(bytes, payloadBytes, safetensorsRules);
  for (const [name, { shape }] of header.tensors) {
    if (shape.length > limits.maxRank) throw overLimit(name, 'rank', shape.length, limits.maxRank);
    const largest = Math.max(0, ...shape);
    if (largest > limits.maxDimension) throw overLimit(name, 'dimension', largest, limits.maxDimension);
    const count = elementCount(shape);
    if (count > limits.maxElements) throw overLimit(name, 'number of elements', count, limits.maxElements);
  }
  return header;
}
