/** Reverse-mode differentiation of a graph, written down as more nodes of the same graph. */
import { removeDead } from '../../graph/fold.js';
import type { Graph, Node } from '../../graph/graph.js';
import { layersOf } from '../rewrite.js';
import { splitBack } from './pick-rules.js';
import { rules } from './rules.js';
import { firstOpset, Tape } from './tape.js';

export interface ReverseGraph {
  /** The graph with its reverse pass; one more input, and the gradients as outputs. */
  readonly graph: Graph;
  /** Name of the input that takes the weights of `value`'s elements: the gradient is that of their weighted sum. */
  readonly seed: string;
  /** Gradient at the output of each layer that `value` depends on, channels last, by layer name. */
  readonly gradients: ReadonlyMap<string, string>;
  /** Layers that `value` may depend on through an operator without a reverse rule, named with it. */
  readonly blocked: ReadonlyMap<string, string>;
}

const ruleName = ({ domain, op }: Node) => (domain ? `${domain}.${op}` : op);

/** Gradients while the nodes are passed from the last to the first. */
class Adjoints {
  readonly #sums = new Map<string, string>();
  /** Operators without a rule behind a value: part of its gradient is unknown. */
  readonly blocked = new Map<string, string>();

  constructor(readonly tape: Tape) {}

  add(value: string, gradient: string): void {
    const known = this.#sums.get(value);
    this.#sums.set(value, known === undefined ? gradient : this.tape.emit('Add', [known, gradient]));
  }

  of(value: string): string | undefined {
    return this.blocked.has(value) ? undefined : this.#sums.get(value);
  }

  #gradientsOf(node: Node): readonly (string | null)[] | undefined {
    const given = node.outputs.map((output) => this.#sums.get(output));
    if (node.domain === '' && node.op === 'Split') return splitBack(this.tape, node, given);
    const [dy, ...others] = given;
    const isAlone = dy !== undefined && others.every((other) => other === undefined);
    return isAlone ? rules.get(ruleName(node))?.(this.tape, node, dy) : undefined;
  }

  /** Passes gradients through one node, or marks its inputs as blocked. */
  pass(node: Node): void {
    const stop = node.outputs.map((output) => this.blocked.get(output)).find((op) => op !== undefined);
    const outputs = node.outputs.filter((output) => this.#sums.has(output));
    if (stop === undefined && outputs.length === 0) return;
    const gradients = stop === undefined ? this.#gradientsOf(node) : undefined;
    for (const [i, input] of node.inputs.entries()) {
      // Sizes, indices and conditions have no gradient, so that none is unknown.
      if (input === '' || this.tape.facts.get(input)?.dtype !== 'float32') continue;
      if (!gradients) this.blocked.set(input, stop ?? ruleName(node));
      else if (gradients[i]) this.add(input, gradients[i] as string);
    }
  }
}

/** Images [n, channels, ..] as [n, .., channels]: a row of channels at each place. */
function channelsLast(tape: Tape, value: string, axes: number): string {
  return tape.emit('Transpose', [value], { perm: [0, ...Array.from({ length: axes }, (_, axis) => axis + 2), 1] });
}

/**
 * Adds to a graph the computation of gradients at the outputs of its layers.
 * @param value  whose elements are differentiated; needs a float32 fact
 */
export function reverseGraph(graph: Graph, value: string): ReverseGraph {
  const tape = new Tape(graph);
  const seed = tape.fresh('reverse/seed');
  const adjoints = new Adjoints(tape);
  if (graph.opset < firstOpset) adjoints.blocked.set(value, `operators of opset ${graph.opset}`);
  else adjoints.add(value, tape.emit('Identity', [seed]));
  for (const node of [...graph.nodes].reverse()) adjoints.pass(node);
  const gradients = new Map<string, string>();
  const blocked = new Map<string, string>();
  const layers = layersOf(graph).filter(({ recurrence }) => recurrence === null);
  // A cell that is not written out hides what its matrices give.
  for (const { name, recurrence, node } of layersOf(graph)) if (recurrence) blocked.set(name, node.op);
  for (const { name, output, kernel } of layers) {
    const gradient = adjoints.of(output);
    if (gradient !== undefined) gradients.set(name, kernel ? channelsLast(tape, gradient, kernel.length) : gradient);
    else if (adjoints.blocked.has(output)) blocked.set(name, adjoints.blocked.get(output) as string);
  }
  // Layers that are added up have the same gradient; a graph names each output once.
  const shapes = new Map(
    layers.flatMap(({ name, output, kernel }) => {
      const gradient = gradients.get(name);
      const [n, channels, ...sizes] = tape.shapeOf(output);
      const shape = kernel ? [n, ...sizes, channels] : tape.shapeOf(output);
      return gradient === undefined ? [] : [[gradient, shape] as const];
    }),
  );
  const shape = tape.shapeOf(value);
  const reverse = {
    ...graph,
    inputs: [...graph.inputs, { name: seed, dtype: 'float32' as const, shape }],
    nodes: [...graph.nodes, ...tape.nodes],
    initializers: new Map([...graph.initializers, ...tape.constants]),
    outputs: [...shapes].map(([name, shape]) => ({ name, dtype: 'float32' as const, shape })),
  };
  return { graph: removeDead(reverse), seed, gradients, blocked };
}
