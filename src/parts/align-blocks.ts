/**
 * Takes apart what only joins pieces to part them again, so that blocks of one layer meet those of the next:
 *
 *     B_1 ─┐                  ┌─ C_1            B_1 ─ Relu ─ C_1
 *     ..   Concat ─ Relu ─ Split  ..     ─▶     ..
 *     B_k ─┘                  └─ C_k            B_k ─ Relu ─ C_k
 *
 * Whoever else reads the whole still finds it, behind the activations. Every number is computed as before.
 */
import { isElementwiseOn } from '../annealing/hidden-units.js';
import { freshName } from '../annealing/rewrite.js';
import { readersOf, removeDead } from '../graph/fold.js';
import type { Fact, Graph, Node } from '../graph/graph.js';
import { inferFacts } from '../graph/infer.js';

const isPlain = (node: Node, op: string) => node.domain === '' && node.op === op;

/** Whether a Concat or a Split works along the last axis of `fact`. */
function isAlongRows(node: Node, fact: Fact | undefined): boolean {
  const axis = node.attributes.get('axis');
  return fact !== undefined && (axis === -1 || axis === fact.shape.length - 1);
}

/** The element-wise node that alone reads a concat of linear layers' outputs, which nothing else reads. */
function activationOf(graph: Graph, concat: Node, readers: ReadonlyMap<string, readonly Node[]>): Node | null {
  const [whole] = concat.outputs;
  const [activation, ...others] = readers.get(whole) ?? [];
  const isOutput = graph.outputs.some(({ name }) => name === whole || concat.inputs.includes(name));
  // An Identity makes an output, which takes the whole.
  if (
    !activation ||
    activation.op === 'Identity' ||
    others.length > 0 ||
    isOutput ||
    new Set(concat.inputs).size < concat.inputs.length
  )
    return null;
  const scalars = activation.inputs.filter((value) => value !== whole && value !== '');
  if (scalars.some((value) => (graph.initializers.get(value)?.dims.length ?? 2) > 1)) return null;
  const linears = new Set(graph.nodes.filter(({ op }) => op === 'Linear').flatMap(({ outputs }) => outputs));
  const isOwn = concat.inputs.every((piece) => linears.has(piece) && readers.get(piece)?.length === 1);
  return isOwn && isElementwiseOn(graph, activation, whole) ? activation : null;
}

/** Moves one activation in front of its concat; null where there is none to move. */
function moveActivation(graph: Graph): Graph | null {
  const readers = readersOf(graph);
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));
  for (const concat of graph.nodes) {
    const activation = isPlain(concat, 'Concat') ? activationOf(graph, concat, readers) : null;
    if (!activation || !isAlongRows(concat, inferFacts(graph).get(concat.outputs[0]))) continue;
    const [whole] = concat.outputs;
    const moved = concat.inputs.map((piece): Node => {
      const name = freshName(graph, `${producers.get(piece)?.name}/${activation.name}`);
      const inputs = activation.inputs.map((value) => (value === whole ? piece : value));
      return { ...activation, name, inputs, outputs: [name] };
    });
    const joined = { ...concat, inputs: moved.map(({ name }) => name), outputs: activation.outputs };
    const nodes = graph.nodes.flatMap((node) =>
      node === concat ? [...moved, joined] : node === activation ? [] : node,
    );
    return { ...graph, nodes };
  }
  return null;
}

/** Gives the readers of a split concat its pieces, where both cut alike. */
function skipSplits(graph: Graph): Graph {
  const concats = new Map(graph.nodes.filter((node) => isPlain(node, 'Concat')).map((node) => [node.outputs[0], node]));
  const isCandidate = (node: Node) => isPlain(node, 'Split') && concats.has(node.inputs[0]);
  if (!graph.nodes.some(isCandidate)) return graph;
  const facts = inferFacts(graph);
  const width = (value: string) => facts.get(value)?.shape.at(-1);
  const standsFor = new Map<string, string>();
  for (const split of graph.nodes.filter(isCandidate)) {
    const concat = concats.get(split.inputs[0]) as Node;
    if (concat.inputs.length !== split.outputs.length) continue;
    const fact = facts.get(split.inputs[0]);
    if (!isAlongRows(concat, fact) || !isAlongRows(split, fact)) continue;
    const isAlike = split.outputs.every(
      (piece, i) => typeof width(piece) === 'number' && width(piece) === width(concat.inputs[i]),
    );
    const isOutput = graph.outputs.some(({ name }) => split.outputs.includes(name));
    if (isAlike && !isOutput) for (const [i, piece] of split.outputs.entries()) standsFor.set(piece, concat.inputs[i]);
  }
  if (standsFor.size === 0) return graph;
  const nodes = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((value) => standsFor.get(value) ?? value),
  }));
  return removeDead({ ...graph, nodes });
}

/** @returns a graph of the same function in which aligned blocks read each other */
export function alignBlocks(graph: Graph): Graph {
  let next = graph;
  for (let moved = moveActivation(next); moved; moved = moveActivation(next)) next = moved;
  return skipSplits(next);
}
