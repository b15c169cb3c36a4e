/** What counts as one decision of the network, and so as a disagreement. */
import type { Graph, Port } from '../graph/graph.js';
import { unrounded } from '../graph/widen-halves.js';
import { KerfError } from '../runtime/errors.js';

export type Decision =
  /** Position of the largest element along the last axis; the value itself for whole-number outputs. */
  | { readonly kind: 'argmax' }
  /** Whether the output reaches `at`. */
  | { readonly kind: 'threshold'; readonly at: number }
  /** A sample disagrees when ||changed - original|| > limit ||original|| in any output. */
  | { readonly kind: 'error'; readonly limit: number };

/** Relative error that `auto` allows a regression sample. */
const defaultError = 0.05;

/**
 * Reads `auto`, `argmax`, `threshold:T` or `error:R`.
 * @param graph  decides `auto`: sigmoids of one column are thresholds at 0.5, another column that stands alone makes it a
 *   regression, else an argmax
 * @throws OPTION_INVALID on any other word, and for argmax where an output has a single column
 */
export function parseDecision(text: string, graph: Graph): Decision {
  if (text === 'auto') return automatic(graph);
  if (text === 'argmax') {
    const [single] = singleOutputs(graph);
    if (single) throw alwaysTheSame(single.name);
    return { kind: text };
  }
  const [, kind, argument] = /^(threshold|error):([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)$/i.exec(text) ?? [];
  const value = Number(argument);
  if (kind === 'threshold' && Number.isFinite(value)) return { kind, at: value };
  if (kind === 'error' && value > 0 && Number.isFinite(value)) return { kind, limit: value };
  throw new KerfError(
    'OPTION_INVALID',
    '--decision',
    `unknown decision: got "${text}", expected auto, argmax, threshold:T or error:R (R > 0). Choose one of them.`,
  );
}

export function formatDecision(decision: Decision): string {
  if (decision.kind === 'threshold') return `threshold:${decision.at}`;
  if (decision.kind === 'error') return `error:${decision.limit}`;
  return decision.kind;
}

/** Outputs of which an argmax says nothing: a single number along the last axis. */
function singleOutputs({ outputs }: Graph): readonly Port[] {
  return outputs.filter(({ dtype, shape }) => {
    const width = shape.length > 1 ? shape.at(-1) : 1;
    return dtype.startsWith('float') && width === 1;
  });
}

function alwaysTheSame(name: string): KerfError {
  const problem = `the argmax of output "${name}" is always the same: got a single column, expected more. Use error:R or threshold:T.`;
  return new KerfError('OPTION_INVALID', '--decision', problem);
}

function automatic(graph: Graph): Decision {
  const single = singleOutputs(graph);
  if (single.length === 0) return { kind: 'argmax' };
  const isSigmoid = ({ name }: Port) => {
    const value = unrounded(graph, name);
    return graph.nodes.find(({ outputs }) => outputs.includes(value))?.op === 'Sigmoid';
  };
  const isBinary = single.length === graph.outputs.length && single.every(isSigmoid);
  return isBinary ? { kind: 'threshold', at: 0.5 } : { kind: 'error', limit: defaultError };
}
