/** Pieces of rows that stay where they are. */
import type { Attribute, Graph } from '../graph/graph.js';
import { Tensor } from '../runtime/tensor.js';
import type { Span } from './matrix-parts.js';
import { freshName, type NodeWithConstants } from './rewrite.js';

/** First operator set in which Slice takes its ranges as inputs. */
const rangesAsInputs = 10;

/**
 * The elements first .. end - 1 of a value's last axis.
 * @param name  of the node and of its output; free in `graph`
 */
export function sliceNode(graph: Graph, name: string, input: string, [first, end]: Span): NodeWithConstants {
  const bounds = Object.entries({ starts: first, ends: end, axes: -1 });
  const node = { name, op: 'Slice', domain: '', outputs: [name] };
  if (graph.opset < rangesAsInputs) {
    const attributes = new Map<string, Attribute>(bounds.map(([key, value]) => [key, [value]]));
    return { node: { ...node, inputs: [input], attributes }, constants: [] };
  }
  const constants = bounds.map(([key, value]): [string, Tensor] => [
    freshName(graph, `${name}.${key}`),
    new Tensor('int64', BigInt64Array.of(BigInt(value)), [1]),
  ]);
  const inputs = [input, ...constants.map(([constant]) => constant)];
  return { node: { ...node, inputs, attributes: new Map() }, constants };
}
