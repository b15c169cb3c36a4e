/**
 * Masks of attention that pick a large negative number for what is not to be seen, as masks that are added:
 *
 *     Where(c, scores, K) ─▶ Softmax      becomes      scores + Where(c, 0, K) ─▶ Softmax
 *     Where(c, K, scores) ─▶ Softmax      becomes      scores + Where(c, K, 0) ─▶ Softmax
 *     Where(c, scores, K) + m ─▶ Softmax  becomes      scores + (Where(c, 0, K) + m) ─▶ Softmax
 *
 * where K <= -10^30, which swallows scores of up to 2^75, so that the bits are the same (of the last form, where m does
 * not take K away again); or where K <= -10,000 and every row sees at least the first place: what is seen keeps its bits,
 * and what is not gets a share of 0 either way, as long as no row's scores all lie 9,000 below zero. Attention is one
 * kernel then.
 */
import type { Tensor } from '../runtime/tensor.js';
import { readersOf } from './fold.js';
import { FreshNames } from './fresh-names.js';
import type { Graph, Node } from './graph.js';
import { type Facts, inferFacts } from './infer.js';
import { integerOf } from './operators/attributes.js';
import { fillNumbers } from './operators/elements.js';

/** Numbers above this may be scores. */
const largestFiller = -1e4;

/** Half of the unit in the last place of this one, 2^75, is more than a score. */
const largestSwallower = -1e30;

/** A Where that masks scores, and what is added behind it. */
interface Masked {
  readonly where: Node;
  readonly scores: string;
  readonly add: Node | undefined;
}

/** The rewriting of one graph. */
class Masks {
  readonly #facts: Facts;
  readonly #readers: ReturnType<typeof readersOf>;
  readonly #makers: ReadonlyMap<string, Node>;

  constructor(readonly graph: Graph) {
    this.#facts = inferFacts(graph);
    this.#readers = readersOf(graph);
    this.#makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));
  }

  run(): Graph {
    const constants = new Map(this.graph.initializers);
    const names = new FreshNames(this.graph);
    const found = this.graph.nodes.flatMap((node) => this.#masked(node) ?? []);
    // What takes the place of each node: nothing of a Where whose sum comes later.
    const replaced = new Map(found.filter(({ add }) => add).map(({ where }): [Node, readonly Node[]] => [where, []]));
    for (const { where, scores, add } of found) {
      const last = add ?? where;
      const [zero, mask, sum] = ['zero', 'mask', 'sum'].map((suffix) => names.take(`${last.name}:${suffix}`));
      constants.set(
        zero,
        fillNumbers('float32', [], () => 0),
      );
      const inputs = where.inputs.map((input) => (input === scores ? zero : input));
      const own = { ...where, name: mask, inputs, outputs: [mask] };
      const both = add?.inputs.map((input) => (input === where.outputs[0] ? mask : input));
      const sums = both ? [{ ...add!, name: sum, inputs: both, outputs: [sum] }] : [];
      replaced.set(last, [own, ...sums, { ...last, op: 'Add', inputs: [scores, both ? sum : mask] }]);
    }
    const nodes = this.graph.nodes.flatMap((node) => replaced.get(node) ?? [node]);
    return { ...this.graph, nodes, initializers: constants };
  }

  #shapeOf(value: string) {
    return this.#facts.get(value)?.shape ?? [];
  }

  #isOfShape(value: string, other: string): boolean {
    return JSON.stringify(this.#shapeOf(value)) === JSON.stringify(this.#shapeOf(other));
  }

  /** The one node that reads a value, which is no output. */
  #readerOf(value: string): Node | undefined {
    const readers = this.#readers.get(value) ?? [];
    const isOutput = this.graph.outputs.some(({ name }) => name === value);
    return readers.length === 1 && !isOutput ? readers[0] : undefined;
  }

  /** What a Where masks, if these are the scores of a Softmax along the last axis, which alone reads them. */
  #masked(where: Node): Masked | undefined {
    const { op, domain, inputs, outputs } = where;
    if (op !== 'Where' || domain !== '') return undefined;
    const [y, reader] = [outputs[0], this.#readerOf(outputs[0])];
    const isAdded = reader?.op === 'Add' && reader.domain === '' && this.#isOfShape(reader.outputs[0], y);
    const add = isAdded && reader.inputs[0] !== reader.inputs[1] ? reader : undefined;
    if (!this.#isSoftmax(add ? this.#readerOf(add.outputs[0]) : reader)) return undefined;
    const [condition, ...branches] = inputs;
    const scores = branches.find((value, branch) => {
      const filler = this.#numberOf(branches[1 - branch]);
      if (filler === undefined || !this.#isOfShape(value, y)) return false;
      if (filler <= largestSwallower) return true;
      const base = filler <= largestFiller && !add ? this.#baseOf(condition) : undefined;
      return base !== undefined && seesFirst(base, branch === 0);
    });
    return scores === undefined ? undefined : { where, scores, add };
  }

  #numberOf(value: string): number | undefined {
    const constant = this.#facts.get(value)?.constant;
    return constant?.type === 'float32' && constant.size === 1 ? (constant.data[0] as number) : undefined;
  }

  #isSoftmax(node: Node | undefined): boolean {
    if (!node) return false;
    const rank = this.#shapeOf(node.inputs[0]).length;
    const axis = integerOf(node, 'axis', this.graph.opset < 13 ? 1 : -1);
    return node.op === 'Softmax' && node.domain === '' && (axis === -1 || axis === rank - 1);
  }

  /** The constant of which a condition is the front along some axes. */
  #baseOf(condition: string): Tensor | undefined {
    const areAll = (input: string | undefined, wanted: number) =>
      !input || this.#listOf(input).every((number) => number === wanted);
    for (let value = condition; ; ) {
      const constant = this.#facts.get(value)?.constant;
      const node = this.#makers.get(value);
      if (constant || node?.op !== 'Slice' || node.domain !== '' || this.graph.opset < 10) return constant;
      const [x, starts, , , steps] = node.inputs;
      if (!areAll(starts, 0) || !areAll(steps, 1)) return undefined;
      value = x;
    }
  }

  #listOf(value: string): readonly unknown[] {
    const fact = this.#facts.get(value);
    const constant = fact?.constant;
    return constant ? Array.from(constant.data as ArrayLike<number | bigint>, Number) : (fact?.extents ?? [Number.NaN]);
  }
}

/** Whether a condition picks the scores at the first place of every row: where it holds, or where it does not. */
function seesFirst({ data, dims, size }: Tensor, whereItHolds: boolean): boolean {
  const width = dims.at(-1) ?? 0;
  if (width < 2) return false;
  for (let row = 0; row < size; row += width) if (!!data[row] !== whereItHolds) return false;
  return true;
}

/** @returns a graph of the same function, see the head of this file */
export function addMasks(graph: Graph): Graph {
  return graph.nodes.some(({ op, domain }) => op === 'Where' && domain === '') ? new Masks(graph).run() : graph;
}
