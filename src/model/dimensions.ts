/** Checks of sizes that a file states, before anything is allocated for them. */
import { KerfError } from '../runtime/errors.js';
import type { ModelLimits } from './limits.js';

/**
 * The dimensions of a stored tensor as numbers.
 * @throws MODEL_INVALID when one is negative; MODEL_LIMIT when the rank, one of them or their product is too large
 */
export function checkedDims(dims: Iterable<bigint | number>, where: string, limits: ModelLimits): number[] {
  const result: number[] = [];
  let product = 1;
  for (const dim of dims) {
    const size = Number(dim);
    if (!Number.isInteger(size) || size < 0) {
      throw new KerfError('MODEL_INVALID', where, `invalid dimension: got ${size}, expected a whole number >= 0.`);
    }
    if (size > limits.maxDimension) throw tooLarge(where, 'dimension', size, limits.maxDimension);
    result.push(size);
    product *= size;
  }
  if (result.length > limits.maxRank) throw tooLarge(where, 'rank', result.length, limits.maxRank);
  if (product > limits.maxElements) throw tooLarge(where, 'number of elements', product, limits.maxElements);
  return result;
}

export function tooLarge(where: string, what: string, got: number, limit: number): KerfError {
  return new KerfError('MODEL_LIMIT', where, `${what} is too large: got ${got}, expected <= ${limit}.`, { got, limit });
}
