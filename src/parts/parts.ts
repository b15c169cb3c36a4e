/** The independent substructures of an annealed graph. */
import type { Graph } from '../graph/graph.js';

export interface Part {
  readonly id: number;
  /** Names of its nodes in {@link Parts.graph}, in topological order. */
  readonly nodes: readonly string[];
  /** Parts whose outputs it reads; empty for a part that never waits. */
  readonly after: readonly number[];
  readonly parameters: number;
  /** Multiply-adds per sample, biases excluded. */
  readonly macs: number;
}

export interface Parts {
  /** The graph with split layers written out; computes what the annealed graph computes. */
  readonly graph: Graph;
  /** Every node is in exactly one part. "One part" is a normal answer. */
  readonly parts: readonly Part[];
  /** Part id by node name. */
  readonly partOf: ReadonlyMap<string, number>;
}
