/** What the procedure of arXiv 2601.15871 finds in a network. */
import type { FamilyResult } from '../evidence.js';
import type { Adjacency } from './adjacency.js';

/**
 * Error rate of the edge tests: `alpha` for each edge by itself, `bh` the false discovery rate
 * (Benjamini-Hochberg), `bonferroni` the chance of one false edge, within each family.
 */
export type EdgeControl = 'alpha' | 'bh' | 'bonferroni';

/** Edges that are tested together: one weight matrix, or one d-md-d block of two. */
export interface EdgeFamily {
  /** Tensor names, joined by ` + `. */
  readonly name: string;
  readonly layers: readonly string[];
  readonly tensors: readonly string[];
  readonly kind: 'weights' | 'sequences';
  /** Values of one edge: 1, or 2m for a d-md-d block. */
  readonly length: number;
  /** Laws of the tensors, `checkpoint`, or null without one; then no edge is removed. */
  readonly laws: readonly (string | null)[];
  readonly family: FamilyResult;
  /** Why no edge was tested. */
  readonly noNull: string | null;
  /** Supported edges: rows are targets, columns sources. */
  readonly adjacency: Adjacency;
  /** The d x d matrix as a graph in which input i and output i are one node; null where it is not square. */
  readonly matrix: Structure | null;
}

/** A directed graph, condensed. */
export interface Structure {
  readonly nodes: number;
  readonly edges: number;
  /** Nodes without an edge to or from another node. */
  readonly isolated: number;
  /** Weak components of more than one node: what could run independently. */
  readonly components: number;
  /** Share of the edges in the component that has most of them; 0 without edges. */
  readonly largestEdgeShare: number;
  /** Strong components, those of one node included: the nodes of the condensation. */
  readonly strong: number;
  /** Strong components of more than one node. */
  readonly cycles: number;
  /** Nodes of the largest strong component. */
  readonly largestStrong: number;
  /** Levels of the condensation, isolated nodes left out. */
  readonly levels: number;
}

export interface PaperEvidence {
  readonly control: EdgeControl;
  readonly level: number;
  readonly seed: number;
  readonly families: readonly EdgeFamily[];
  /** The neurons of the whole network: inputs, hidden units and outputs; a residual stream is one set of nodes. */
  readonly structure: Structure;
  /** Strong component of every node of {@link structure}. */
  readonly strongComponents: Int32Array<ArrayBuffer>;
}
