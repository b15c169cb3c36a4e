/** What a graph costs: multiply-adds and stored numbers. */
import { type Bindings, type Extent, evaluate } from '../runtime/extent.js';
import type { Fact, Graph } from './graph.js';
import { type Facts, inferFacts } from './infer.js';
import { isFloat } from './operators/elements.js';
import { findOperator } from './operators/index.js';

/** Binds every symbol of a graph: to the value in `given`, else to 1. */
export function bindSymbols(graph: Graph, given: Bindings = new Map()): Bindings {
  const names = graph.inputs.flatMap((port) => port.shape.flatMap(symbolsOf));
  return new Map(names.map((name) => [name, given.get(name) ?? 1]));
}

/** Names of the symbols in an extent. */
export function symbolsOf(extent: Extent): readonly string[] {
  return typeof extent === 'number' ? [] : extent.flatMap(([, ...names]) => names);
}

/** Samples in one run of a graph whose first axis is fixed; 1 where it is symbolic. */
function fixedSamples({ inputs: [first] }: Graph): number {
  const samples = first && first.shape.length > 1 ? first.shape[0] : 1;
  return typeof samples === 'number' && samples > 0 ? samples : 1;
}

/** Multiply-adds per sample of each node that has any, biases excluded, by node name. */
export function macsByNode(graph: Graph, bindings?: Bindings, facts: Facts = inferFacts(graph)): Map<string, number> {
  const bound = bindSymbols(graph, bindings);
  const samples = fixedSamples(graph);
  const macs = new Map<string, number>();
  for (const node of graph.nodes) {
    const operator = findOperator(node, graph.opset);
    const lookup = (value: string): Fact | undefined => (value === '' ? undefined : facts.get(value));
    const outputs = node.outputs.map((value) => lookup(value)).filter((fact) => fact !== undefined);
    const extent = operator?.macs?.(node, node.inputs.map(lookup), outputs);
    if (extent !== undefined) macs.set(node.name, evaluate(extent, bound) / samples);
  }
  return macs;
}

/**
 * Multiply-adds per sample, biases excluded.
 * @param bindings  sizes of symbolic dimensions, 1 where not given: leave the batch out, give sequence lengths
 */
export function countMacs(graph: Graph, bindings?: Bindings): number {
  return [...macsByNode(graph, bindings).values()].reduce((sum, macs) => sum + macs, 0);
}

/** Float numbers that the graph stores; scalars are settings, not parameters. */
export function countParameters(graph: Graph): number {
  const tensors = [...graph.initializers.values()].filter(({ type, dims }) => isFloat(type) && dims.length > 0);
  return tensors.reduce((sum, { size }) => sum + size, 0);
}
