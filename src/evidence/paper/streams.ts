/** Which values of a network carry the same neurons: elementwise operators keep coordinate i coordinate i. */
import type { Graph, Node } from '../../graph/graph.js';
import { type Facts, inferFacts } from '../../graph/infer.js';
import { elementwiseActivations } from '../../graph/layers.js';

/** Operators besides activations after which coordinate i still is coordinate i. */
const joins = new Set(['Add', 'Sub', 'Mul', 'Div', 'LayerNormalization', 'Dropout', 'Identity', 'Cast']);

const isElementwise = ({ domain, op }: Node) => domain === '' && (joins.has(op) || elementwiseActivations.has(op));

/** Whether two values have equal last axes, so that their coordinates correspond. */
function haveSameWidth(facts: Facts, a: string, b: string): boolean {
  const [first, second] = [facts.get(a)?.shape.at(-1), facts.get(b)?.shape.at(-1)];
  return typeof first === 'number' && first === second;
}

/**
 * Names the stream that each value belongs to: a residual stream is one set of nodes along the whole network, and an
 * activation's output has the neurons of its input.
 * @returns name of the stream's first value, by value; a value that is not in the map is a stream of its own
 */
export function findStreams(graph: Graph): ReadonlyMap<string, string> {
  const facts = inferFacts(graph);
  const streams = new Map<string, string>();
  const members = new Map<string, string[]>();
  const streamOf = (value: string) => streams.get(value) ?? value;
  const unite = (a: string, b: string) => {
    const [kept, merged] = [streamOf(a), streamOf(b)];
    if (kept === merged) return;
    const moved = members.get(merged) ?? [merged];
    for (const value of moved) streams.set(value, kept);
    members.set(kept, [...(members.get(kept) ?? [kept]), ...moved]);
    members.delete(merged);
  };
  for (const node of graph.nodes) {
    if (!isElementwise(node)) continue;
    for (const input of node.inputs) {
      if (input === '' || facts.get(input)?.constant || graph.initializers.has(input)) continue;
      if (haveSameWidth(facts, input, node.outputs[0])) unite(input, node.outputs[0]);
    }
  }
  return streams;
}
