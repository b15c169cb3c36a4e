/** What an untrusted model file may ask for. Every number is an option of the readers. */
import type { DecodeLimits } from '../graph/protobuf/decode.js';

export interface ModelLimits {
  /** Largest model file, and largest file of external data. */
  readonly maxFileBytes: number;
  /** Largest dimension. */
  readonly maxDimension: number;
  /** Most elements of one tensor. */
  readonly maxElements: number;
  readonly maxRank: number;
  /** Nodes in all graphs of the file. */
  readonly maxNodes: number;
  /** Graphs inside graphs. */
  readonly maxNesting: number;
  readonly maxStringBytes: number;
}

export const defaultLimits: ModelLimits = {
  maxFileBytes: 2 ** 31,
  maxDimension: 2 ** 31 - 1,
  maxElements: 2 ** 30,
  maxRank: 16,
  maxNodes: 100_000,
  maxNesting: 64,
  maxStringBytes: 65_536,
};

/** Limits of the protobuf decoder that leave room for any model within `limits`. */
export function decodeLimits(limits: ModelLimits): DecodeLimits {
  return {
    // model > graph > (node > attribute > graph) ...
    maxDepth: 3 * limits.maxNesting + 8,
    maxItems: 20 * limits.maxNodes + 10_000,
    maxStringBytes: limits.maxStringBytes,
  };
}
