/** Lowers a graph to a plan: steps over numbered buffers, grouped by part. */
import { recogniseAttention } from '../graph/attention-pattern.js';
import { symbolsOf } from '../graph/cost.js';
import { bindGraph } from '../graph/fix-sizes.js';
import type { Fact, Graph, Node } from '../graph/graph.js';
import { type Facts, inferFacts, requireSupported } from '../graph/infer.js';
import { guarded } from '../graph/operators/attributes.js';
import { findOperator } from '../graph/operators/index.js';
import { findMatches, fuseMatches } from '../graph/patterns.js';
import { alignBlocks } from '../parts/align-blocks.js';
import type { Part } from '../parts/parts.js';
import type { Bindings } from '../runtime/extent.js';
import { type Plan, type PlanPart, type PlanPort, planVersion, type Step } from '../runtime/plan.js';
import { activationPatterns } from './activation-patterns.js';
import { Builder, type PlacedStep } from './builder.js';
import { foldScales } from './fold-scales.js';
import { fuseClamps } from './fuse.js';
import { prune } from './prune.js';
import { referenceParams } from './reference-step.js';
import { layOutRows } from './row-layout.js';
import { findRows } from './rows.js';

export interface PlanOptions {
  /** Parts in an order in which each comes after those it waits for; one part of all nodes by default. */
  readonly parts?: readonly Part[];
  /** Part id by node name; taken from `parts` by default. */
  readonly partOf?: ReadonlyMap<string, number>;
  /** Values of symbolic dimensions to plan for; the others stay symbolic. */
  readonly bindings?: Bindings;
}

/** Emits the steps of one node: its kernels, or a reference step. */
function lowerNode(builder: Builder, node: Node, facts: Facts, opset: number): void {
  const lookup = (value: string): Fact | undefined => (value === '' ? undefined : facts.get(value));
  const outputs = node.outputs.map(lookup);
  if (outputs.every((fact) => !fact || fact.constant)) return;
  const operator = findOperator(node, opset);
  const lower = () => guarded(node, 'MODEL_INVALID', () => operator!.lower!(node, builder, opset));
  if (operator?.lower && builder.attempt(lower, node.outputs)) return;
  const present = (values: readonly string[]) => values.filter((value) => value !== '');
  builder.step(
    'reference',
    present(node.inputs).map((value) => builder.place(value).operand),
    present(node.outputs).map((value) => builder.output(value).operand),
    referenceParams(node, opset, node.inputs.map(lookup), outputs),
  );
}

/** Places of the graph's inputs: a buffer each. */
function placeInputs(builder: Builder, graph: Graph): readonly PlanPort[] {
  return graph.inputs.map(({ name, dtype, shape }) => {
    const { operand } = builder.output(name);
    return { name, dtype, shape, buffer: (operand as { buffer: number }).buffer };
  });
}

/** Places of the graph's outputs; one that is an input or a constant gets a copy, since callers own outputs. */
function placeOutputs(
  builder: Builder,
  graph: Graph,
  inputs: readonly PlanPort[],
  partOfValue: ReadonlyMap<string, number>,
  firstPart: number,
): readonly PlanPort[] {
  const taken = new Set(inputs.map(({ buffer }) => buffer));
  return graph.outputs.map(({ name }) => {
    builder.enter(`output ${name}`, partOfValue.get(name) ?? firstPart);
    const { operand, fact } = builder.place(name);
    const isOwn = 'buffer' in operand && !taken.has(operand.buffer);
    return { name, dtype: fact.dtype, shape: fact.shape, buffer: isOwn ? operand.buffer : builder.copy(name) };
  });
}

/** Steps in the order of their parts, and where each part begins and ends. */
function groupByPart(
  steps: readonly PlacedStep[],
  parts: readonly Pick<Part, 'id' | 'after'>[],
): { steps: Step[]; parts: PlanPart[] } {
  const grouped: Step[] = [];
  const spans = parts.map(({ id, after }): PlanPart => {
    const first = grouped.length;
    for (const { part, ...step } of steps) if (part === id) grouped.push(step);
    return { id, first, end: grouped.length, after };
  });
  return { steps: grouped, parts: spans };
}

function partsByNode(options: PlanOptions): ReadonlyMap<string, number> | undefined {
  if (options.partOf || !options.parts) return options.partOf;
  return new Map(options.parts.flatMap(({ id, nodes }) => nodes.map((name) => [name, id] as const)));
}

/**
 * Builds the plan of a canonical graph.
 * @param graph  from `canonicalise`, or a graph made of its nodes
 * @returns a plan whose sizes are expressed in the symbols of the inputs' shapes
 * @throws OPERATOR_UNSUPPORTED, and what inference throws; SHAPE_UNSUPPORTED where a size follows from the values or
 *   the exact shapes of one run's inputs: give them as `bindings`, or plan for each run
 * @complexity O(nodes + elements of the weights)
 */
export function buildPlan(graph: Graph, options: PlanOptions = {}): Plan {
  requireSupported(graph);
  const whole = options.bindings ? bindGraph(graph, options.bindings) : graph;
  // The nodes of given parts are aligned already, and have to stay as the parts name them.
  const bound = options.parts || options.partOf ? whole : alignBlocks(whole);
  const partOf = partsByNode(options);
  const known = inferFacts(bound);
  const patterns = [...activationPatterns, recogniseAttention];
  const joined = patterns.reduce((made, one) => fuseMatches(made, findMatches(made, known, partOf, [one])), bound);
  const { graph: folded, facts } = foldScales(joined, known, partOf);
  const fused = fuseClamps(folded, facts, partOf);
  // Where all outputs are constants there are no parts: the copies of them make one.
  const parts = options.parts?.length ? options.parts : [{ id: 0, after: [] }];
  const builder = new Builder(facts, layOutRows(fused, facts));
  builder.enter('', parts[0].id);
  const inputs = placeInputs(builder, fused);
  const partOfValue = new Map<string, number>();
  for (const node of fused.nodes) {
    const part = partOf?.get(node.name) ?? parts[0].id;
    builder.enter(node.name, part);
    for (const value of node.outputs) partOfValue.set(value, part);
    lowerNode(builder, node, facts, fused.opset);
  }
  const outputs = placeOutputs(builder, fused, inputs, partOfValue, parts[0].id);
  const { steps, ...pruned } = prune(builder, inputs, outputs);
  return {
    version: planVersion,
    symbols: [...new Set(bound.inputs.flatMap(({ shape }) => shape.flatMap(symbolsOf)))],
    ...pruned,
    ...groupByPart(steps, parts),
    rows: findRows(fused, facts),
  };
}
