/** What counts as one decision of the network, and so as a disagreement. */
import type { Graph } from '../graph/graph.js';
import { KerfError } from '../runtime/errors.js';

export type Decision =
  /** Position of the largest element along the last axis; the value itself for whole-number outputs. */
  | { readonly kind: 'argmax' }
  /** Whether the output reaches `at`. */
  | { readonly kind: 'threshold'; readonly at: number }
  /** A sample disagrees when ||changed - original|| > limit ||original||. */
  | { readonly kind: 'error'; readonly limit: number };

/** Relative error that `auto` allows a regression sample. */
const defaultError = 0.05;

/**
 * Reads `auto`, `argmax`, `threshold:T` or `error:R`.
 * @param graph  decides `auto`: a sigmoid with one output is a threshold at 0.5, one plain output a regression, more an
 *   argmax
 * @throws OPTION_INVALID on any other word
 */
export function parseDecision(text: string, graph: Graph): Decision {
  if (text === 'auto') return automatic(graph);
  if (text === 'argmax') return { kind: text };
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

function automatic(graph: Graph): Decision {
  const output = graph.outputs[0];
  const width = output.shape.length === 1 ? 1 : output.shape.at(-1);
  if (!output.dtype.startsWith('float') || width !== 1) return { kind: 'argmax' };
  const last = graph.nodes.find((node) => node.outputs.includes(output.name));
  return last?.op === 'Sigmoid' ? { kind: 'threshold', at: 0.5 } : { kind: 'error', limit: defaultError };
}
