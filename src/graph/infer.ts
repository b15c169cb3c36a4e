/** Facts of every value of a graph, before anything runs; constants are evaluated on the way. */
import { KerfError } from '../runtime/errors.js';
import { type Extent, isStatic, product } from '../runtime/extent.js';
import { isDType, type Tensor } from '../runtime/tensor.js';
import { isFused } from './fused/index.js';
import type { Fact, Graph, Node } from './graph.js';
import type { Operator } from './operator.js';
import { describeNode, guarded, nodeError } from './operators/attributes.js';
import { int64Tensor } from './operators/constant.js';
import { findOperator } from './operators/index.js';
import { formatShape } from './operators/shapes.js';
import { bodiesOf, isResolved } from './resolved.js';
import { inferExtents } from './shape-values.js';

/** Most elements that one value may have: a shape computed from a file must not ask for more. */
const maximumElements = 2 ** 30;

export type Facts = ReadonlyMap<string, Fact>;

/** `Foo`, `com.example.Bar`: operators that no entry knows in this operator set, each once, sorted. */
export function unsupportedOperators(graph: Graph): readonly string[] {
  const { opset } = graph;
  const unknown = graph.nodes.filter((node) => {
    return !findOperator(node, opset) && !isResolved(node) && !isFused(node, opset);
  });
  const names = unknown.map(({ domain, op }) => (domain ? `${domain}.${op}` : op));
  const inside = graph.nodes.filter(isResolved).flatMap(bodiesOf).flatMap(unsupportedOperators);
  return [...new Set([...names, ...inside])].sort();
}

/** Whether a graph is a set of weights: a file that holds arrays and no network. */
export function isWeightsOnly({ nodes, outputs }: Graph): boolean {
  return nodes.length === 0 && outputs.length === 0;
}

/** @throws FILE_FORMAT when the graph is a set of weights without a network */
export function requireNetwork(graph: Graph): void {
  if (!isWeightsOnly(graph)) return;
  const problem = 'no network in the file: got weights alone, expected ONNX or tfjs model.json.';
  throw new KerfError('FILE_FORMAT', 'model', problem);
}

/** @throws OPERATOR_UNSUPPORTED naming all operators that kerf does not know; FILE_FORMAT without a network */
export function requireSupported(graph: Graph): void {
  requireNetwork(graph);
  const names = unsupportedOperators(graph);
  if (names.length === 0) return;
  throw new KerfError(
    'OPERATOR_UNSUPPORTED',
    `model "${graph.name}"`,
    `operators unknown in opset ${graph.opset}: got ${names.join(', ')}, expected those that \`kerf ops\` lists.`,
    { operators: names, opset: graph.opset },
  );
}

function requireDType(node: Node, operator: Operator, fact: Fact | undefined): void {
  if (!fact || operator.dtypes.includes(fact.dtype)) return;
  throw nodeError(
    'DTYPE_UNSUPPORTED',
    node,
    `dtype of the first input: got ${fact.dtype}, expected one of ${operator.dtypes.join(', ')}. Insert a Cast.`,
  );
}

function requireModestSize(node: Node, fact: Fact): void {
  const size = product(fact.shape);
  if (!isStatic(size) || size <= maximumElements) return;
  throw nodeError(
    'MODEL_LIMIT',
    node,
    `result is too large: got ${formatShape(fact.shape)}, expected at most ${maximumElements} elements.`,
  );
}

/**
 * How many elements folding may still make: a short file must not grow without bound, while a large one may be turned
 * and cast a few times over.
 */
class FoldBudget {
  #left: number;
  #work = 2 ** 32;

  constructor(graph: Graph) {
    const stored = [...graph.initializers.values()].reduce((sum, { size }) => sum + size, 0);
    this.#left = 2 ** 26 + 4 * stored;
  }

  /** @throws MEMORY_LIMIT when the constants so far and these would be too many */
  spend(node: Node, facts: readonly Fact[]): void {
    for (const { shape } of facts) {
      const size = product(shape);
      if (isStatic(size)) this.#left -= size;
    }
    if (this.#left >= 0) return;
    const got = facts.map(({ shape }) => formatShape(shape)).join(', ');
    throw nodeError('MEMORY_LIMIT', node, `constants grow too large: got ${got} more. Check the model's shapes.`);
  }

  /** @throws MODEL_LIMIT when the products so far and these take too long in plain TypeScript */
  spendWork(node: Node, macs: Extent | undefined): void {
    if (macs === undefined || !isStatic(macs)) return;
    this.#work -= macs;
    if (this.#work >= 0) return;
    throw nodeError(
      'MODEL_LIMIT',
      node,
      `products of constants: got ${macs} more, expected at most ${2 ** 32} in all.`,
    );
  }
}

/** The constant values of all inputs, or undefined where one is not constant. */
function constantsOf(inputs: readonly (Fact | undefined)[]): readonly (Tensor | undefined)[] | undefined {
  return inputs.every((fact) => !fact || fact.constant) ? inputs.map((fact) => fact?.constant) : undefined;
}

function withExtents(node: Node, inputs: readonly (Fact | undefined)[], fact: Fact): Fact {
  const extents = fact.constant ? undefined : inferExtents(node, inputs, fact);
  if (!extents) return fact;
  const isKnown = extents.every(isStatic) && fact.dtype === 'int64';
  return isKnown ? { ...fact, constant: int64Tensor(extents, fact.shape as readonly number[]) } : { ...fact, extents };
}

/** Facts of one node's outputs. */
function inferNode(
  node: Node,
  inputs: readonly (Fact | undefined)[],
  opset: number,
  budget: FoldBudget,
): readonly Fact[] {
  const operator = findOperator(node, opset);
  if (!operator) throw nodeError('OPERATOR_UNSUPPORTED', node, `unknown in opset ${opset}: got ${node.op}.`);
  requireDType(node, operator, inputs[0]);
  const facts = operator.infer(node, inputs, opset);
  if (node.outputs.length > facts.length) {
    throw nodeError('MODEL_INVALID', node, `outputs: got ${node.outputs.length}, expected at most ${facts.length}.`);
  }
  for (const fact of facts) requireModestSize(node, fact);
  const constants = constantsOf(inputs);
  if (constants && !facts.every((fact) => fact.constant)) {
    budget.spend(node, facts);
    budget.spendWork(node, operator.macs?.(node, inputs, facts));
    return operator
      .evaluate(node, constants, opset)
      .map((constant) => ({ dtype: constant.type, shape: constant.dims, constant }));
  }
  return facts.map((fact) => withExtents(node, inputs, fact));
}

function inputFact(facts: Facts, node: Node, value: string): Fact | undefined {
  if (value === '') return undefined;
  const fact = facts.get(value);
  if (fact) return fact;
  throw new KerfError(
    'MODEL_INVALID',
    describeNode(node),
    `input "${value}" is made by no node, input or initializer: got nothing, expected a value. Export the model again.`,
  );
}

/** Facts that grow node by node, in topological order. */
export class Inference {
  readonly facts = new Map<string, Fact>();
  readonly #budget: FoldBudget;

  /** Begins with the inputs and initializers of a graph. @throws DTYPE_UNSUPPORTED for an input of no known dtype */
  constructor(readonly graph: Graph) {
    this.#budget = new FoldBudget(graph);
    for (const [name, tensor] of graph.initializers) this.define(name, tensor);
    for (const { name, dtype, shape } of graph.inputs) {
      if (!isDType(dtype)) throw new KerfError('DTYPE_UNSUPPORTED', `input "${name}"`, `got ${dtype}.`);
      this.facts.set(name, { dtype, shape });
    }
  }

  define(name: string, constant: Tensor): void {
    this.facts.set(name, { dtype: constant.type, shape: constant.dims, constant });
  }

  /** @throws what {@link inferFacts} throws */
  add(node: Node): void {
    const inputs = node.inputs.map((value) => inputFact(this.facts, node, value));
    const outputs = guarded(node, 'MODEL_INVALID', () => inferNode(node, inputs, this.graph.opset, this.#budget));
    node.outputs.forEach((value, index) => {
      if (value) this.facts.set(value, outputs[index]);
    });
  }
}

/**
 * Infers dtype and shape of every value, and the value itself where it does not depend on the inputs.
 * @returns facts by value name
 * @throws SHAPE_MISMATCH, DTYPE_MISMATCH, DTYPE_UNSUPPORTED, MODEL_INVALID naming the node;
 *   SHAPE_UNSUPPORTED where a shape cannot be expressed before the inputs are known
 */
export function inferFacts(graph: Graph): Facts {
  const inference = new Inference(graph);
  for (const node of graph.nodes) inference.add(node);
  return inference.facts;
}
