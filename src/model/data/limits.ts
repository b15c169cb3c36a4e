/** What an untrusted data file may ask for. Every number is an option of {@link readArrays}. */
import { KerfError } from '../../runtime/errors.js';
import { elementCount } from '../../runtime/tensor.js';

export interface DataLimits {
  readonly maxFileBytes: number;
  /** Largest CSV, JSON or JSON lines file. */
  readonly maxTextBytes: number;
  readonly maxZipEntries: number;
  /** Inflated bytes per byte of the zip file. */
  readonly maxInflation: number;
  /** Most elements of one array. */
  readonly maxElements: number;
  readonly maxRank: number;
}

export const defaultDataLimits: DataLimits = {
  maxFileBytes: 2 ** 31,
  maxTextBytes: 2 ** 28,
  maxZipEntries: 10_000,
  maxInflation: 100,
  maxElements: 2 ** 30,
  maxRank: 16,
};

export function invalidData(where: string, problem: string, details: Record<string, unknown> = {}): KerfError {
  return new KerfError('DATA_INVALID', where, problem, details);
}

export function overLimit(where: string, what: string, got: number, limit: number): KerfError {
  return new KerfError('FILE_LIMIT', where, `${what} is too large: got ${got}, expected <= ${limit}.`, { got, limit });
}

/** @throws FILE_LIMIT when the rank, a dimension or the number of elements is too large */
export function checkDims(dims: readonly number[], where: string, limits: DataLimits): void {
  if (dims.length > limits.maxRank) throw overLimit(where, 'rank', dims.length, limits.maxRank);
  const largest = Math.max(0, ...dims);
  if (largest > 2 ** 31 - 1) throw overLimit(where, 'dimension', largest, 2 ** 31 - 1);
  const count = elementCount(dims);
  if (count > limits.maxElements) throw overLimit(where, 'number of elements', count, limits.maxElements);
}
