/**
 * Recognises TensorFlow's sparse embedding lookup over hashed strings:
 *
 *     texts ─▶ NotEqual '' ─▶ Where ─▶ GatherNd ─▶ StringToHashBucketFast ──▶ ids        (everything up to here is cut)
 *     ids ─▶ GreaterEqual 0 ─▶ Where ─▶ GatherV2 ─▶ SparseFillEmptyRows ─▶ SparseSegmentSum|Mean(table) ─▶ Select 0 for
 *     empty rows [─▶ Reshape to the shape it has]
 */
import { attribute, type TfGraph, type TfNode } from './tfjs-topology.js';

export interface EmbeddingMatch {
  /** Reference of the table, a constant [vocabulary, dimension]. */
  readonly table: string;
  readonly mode: 'sum' | 'mean';
  /** Same for lookups of the same ids: the text tensor and the number of buckets. */
  readonly source: string;
  readonly buckets: number;
}

const isSame = (found: readonly number[] | undefined, ...expected: number[]) =>
  found?.length === expected.length && found.every((value, i) => value === expected[i]);

/** The text tensor whose non-empty entries are hashed, as entries of a dense [batch, length] tensor. */
function textSource(graph: TfGraph, hash: TfNode): string | undefined {
  const values = graph.node(hash.inputs[0], 'GatherNd');
  const where = graph.node(values?.inputs[1], 'Where');
  const test = graph.node(where?.inputs[0], 'NotEqual');
  const source = values?.inputs[0];
  const ignored = graph.strings(test?.inputs[1]);
  const isTest = test?.inputs[0] === source && ignored?.length === 1 && ignored[0] === '';
  return isTest ? source : undefined;
}

/** The hash node behind ids that were kept where they are >= 0, which a hash always is. */
function hashOf(graph: TfGraph, ref: string | undefined): TfNode | undefined {
  const gather = graph.node(ref, 'GatherV2');
  const hash = graph.node(gather?.inputs[0], 'StringToHashBucketFast');
  const reshape = graph.node(gather?.inputs[1], 'Reshape');
  const test = graph.node(graph.node(reshape?.inputs[0], 'Where')?.inputs[0], 'GreaterEqual');
  const isTest = test?.inputs[0] === hash?.name && isSame(graph.integers(test?.inputs[1]), 0);
  return isTest && isSame(graph.integers(gather?.inputs[2]), 0) ? hash : undefined;
}

/** Select(Tile(isEmpty), zeros, lookup) -> the lookup, when `isEmpty` comes from the fill that feeds the lookup. */
function guardedLookup(graph: TfGraph, select: TfNode): { lookup: TfNode; fill: TfNode } | undefined {
  const lookup = graph.node(select.inputs[2], 'SparseSegmentSum', 'SparseSegmentMean');
  const zeros = graph.node(select.inputs[1], 'ZerosLike');
  const isEmpty = graph.node(graph.node(select.inputs[0], 'Tile')?.inputs[0], 'Reshape')?.inputs[0];
  const rows = graph.node(lookup?.inputs[2], 'StridedSlice');
  const fill = graph.node(rows?.inputs[0], 'SparseFillEmptyRows');
  if (!lookup || !fill || !rows || zeros?.inputs[0] !== lookup.name) return undefined;
  // rows = indices[:, 0]
  const isFirstColumn = isSame(graph.integers(rows.inputs[1]), 0, 0) && attribute(rows, 'shrink_axis_mask', 'i') === 2;
  const fits = lookup.inputs[1] === `${fill.name}:1` && isEmpty === `${fill.name}:2`;
  return isFirstColumn && fits ? { lookup, fill } : undefined;
}

/** @returns what the Select node looks up, or undefined when it is not such a lookup */
export function matchEmbedding(graph: TfGraph, select: TfNode): EmbeddingMatch | undefined {
  const found = guardedLookup(graph, select);
  if (!found) return undefined;
  const hash = hashOf(graph, found.fill.inputs[1]);
  const source = hash && textSource(graph, hash);
  const table = graph.constant(found.lookup.inputs[0]);
  const buckets = hash ? (attribute(hash, 'num_buckets', 'i') as number) : 0;
  if (source === undefined || table?.dims.length !== 2 || !(buckets > 0) || buckets > table.dims[0]) return undefined;
  const mode = found.lookup.op === 'SparseSegmentSum' ? 'sum' : 'mean';
  return { table: found.lookup.inputs[0], mode, source, buckets };
}

/**
 * Whether a Reshape gives an embedding [batch, dimension] the shape it has: concat(leading sizes of the ids, trailing
 * sizes of the embedding). The ids are [batch, length], so there is one leading size.
 */
export function isEmbeddingReshape(graph: TfGraph, reshape: TfNode): boolean {
  const concat = graph.node(reshape.inputs[1], 'ConcatV2');
  const leading = graph.node(concat?.inputs[0], 'Slice');
  const trailing = graph.node(concat?.inputs[1], 'Slice');
  const shape = graph.node(trailing?.inputs[0], 'Shape');
  const isLeading = isSame(graph.integers(leading?.inputs[1]), 0) && isSame(graph.integers(leading?.inputs[2]), 1);
  const isTrailing = isSame(graph.integers(trailing?.inputs[1]), 1) && isSame(graph.integers(trailing?.inputs[2]), -1);
  const select = graph.node(reshape.inputs[0], 'Select');
  const isOfData = shape !== undefined && shape.inputs[0] === reshape.inputs[0];
  return isLeading && isTrailing && isOfData && select !== undefined && matchEmbedding(graph, select) !== undefined;
}
