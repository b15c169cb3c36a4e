/**
 * Layers that compute several others at once, as exporters pack query, key and value, taken apart again:
 *
 *     x ─▶ [3 heads depth] ─▶ Slice or Split ─▶ ..
 *     x ─▶ [3 heads depth] ─▶ [.., 3, heads, depth] ─▶ Transpose ─▶ Gather ─▶ ..
 *
 * become, three times,
 *
 *     x ─▶ [heads depth] ─▶ ..
 *     x ─▶ [heads depth] ─▶ [.., heads, depth] ─▶ Transpose ─▶ ..
 *
 * Each output is the same sum as before, so the bits are too.
 */
import { readersOf, removeDead } from '../graph/fold.js';
import type { Graph, Node } from '../graph/graph.js';
import { type Facts, inferFacts } from '../graph/infer.js';
import { integerOf, integersOf } from '../graph/operators/attributes.js';
import { int64Tensor } from '../graph/operators/constant.js';
import type { Tensor } from '../runtime/tensor.js';
import { headsOf, permOf, targetOf } from './heads.js';
import { freshName, isPlain, type Linear, layersOf } from './rewrite.js';
import { allOf, pick, submatrix } from './submatrix.js';

/** Between the name of a layer and the number of a part. */
export const packSuffix = '/pack';

/** A run of a layer's outputs, and the value that holds just these. */
interface Part {
  readonly value: string;
  /** The node that makes it. */
  readonly node: Node;
  readonly first: number;
  readonly size: number;
}

/** How all parts are moved behind their layers. */
interface Moves {
  readonly target: readonly number[] | null;
  readonly perms: readonly (readonly number[])[];
}

interface Pack extends Moves {
  readonly layer: Linear;
  readonly parts: readonly Part[];
}

/** Finds what packed layers are read as. */
class Finder {
  readonly #facts: Facts;
  readonly #readers: ReturnType<typeof readersOf>;
  readonly #outputs: ReadonlySet<string>;

  constructor(readonly graph: Graph) {
    this.#facts = inferFacts(graph);
    this.#readers = readersOf(graph);
    this.#outputs = new Set(graph.outputs.map(({ name }) => name));
  }

  packOf(layer: Linear): Pack | null {
    const nodes = this.#readersOf(layer.output);
    const rank = this.#shapeOf(layer.output).length;
    const sliced = nodes.flatMap((node): readonly (Part | null)[] => this.#slices(node, rank - 1) ?? [null]);
    const [reshape] = nodes;
    const pack = sliced.some((part) => part === null)
      ? nodes.length === 1 && reshape.op === 'Reshape' && this.#reshaped(reshape, layer.weight.dims[0])
      : { parts: sliced as Part[], target: null, perms: [] };
    if (!pack || pack.parts.length < 2) return null;
    const sorted = [...pack.parts].sort((a, b) => a.first - b.first);
    const isApart = sorted.every(({ first }, i) => i === 0 || sorted[i - 1].first + sorted[i - 1].size <= first);
    return isApart ? { layer, ...pack } : null;
  }

  #shapeOf(value: string) {
    return this.#facts.get(value)?.shape ?? [];
  }

  /** The nodes that read a value; none for an output of the network. */
  #readersOf(value: string): readonly Node[] {
    return this.#outputs.has(value) ? [] : (this.#readers.get(value) ?? []);
  }

  /** Constant whole numbers: an attribute in old operator sets, an input in new ones. */
  #numbers(node: Node, attribute: string, index: number): readonly number[] | undefined {
    const constant = this.graph.initializers.get(node.inputs[index] ?? '');
    if (!constant) return node.inputs[index] ? undefined : integersOf(node, attribute);
    return Array.from(constant.data as ArrayLike<number | bigint>, Number);
  }

  /** What a Slice or Split takes of an axis, the last one; undefined for another node. */
  #slices(node: Node, axis: number): readonly Part[] | undefined {
    const sizeOf = (value: string) => this.#shapeOf(value)[axis];
    if (node.domain !== '' || (node.op !== 'Split' && node.op !== 'Slice')) return undefined;
    const first = node.op === 'Split' ? 0 : this.#start(node, axis);
    if (first === undefined || (node.op === 'Split' && !this.#isAlong(node, axis, axis + 1))) return undefined;
    let at = first;
    const parts = node.outputs.map((value): Part => {
      const size = sizeOf(value);
      const part = { value, node, first: at, size: typeof size === 'number' ? size : 0 };
      at += part.size;
      return part;
    });
    return parts.every(({ size }) => size > 0) ? parts : undefined;
  }

  /** Where a Slice of one axis begins, by steps of one. */
  #start(node: Node, axis: number): number | undefined {
    const [starts, axes, steps] = [
      this.#numbers(node, 'starts', 1),
      this.#numbers(node, 'axes', 3),
      this.#numbers(node, 'steps', 4) ?? [1],
    ];
    const isLast = axes?.length === 1 && (axes[0] === axis || axes[0] === -1);
    const size = this.#shapeOf(node.inputs[0])[axis];
    if (!isLast || starts?.length !== 1 || steps[0] !== 1 || typeof size !== 'number') return undefined;
    return starts[0] < 0 ? Math.max(0, starts[0] + size) : starts[0];
  }

  #isAlong(node: Node, axis: number, rank: number): boolean {
    const given = integerOf(node, 'axis', 0);
    return (given < 0 ? given + rank : given) === axis;
  }

  /** Parts that a Reshape puts along an axis of their own. */
  #reshaped(reshape: Node, out: number): (Moves & { readonly parts: readonly Part[] }) | null {
    const target = targetOf(this.graph, reshape);
    const shape = this.#shapeOf(reshape.outputs[0]);
    let axis = shape.length;
    for (let size = 1; size < out && axis > 0; ) {
      const dim = shape[--axis];
      if (typeof dim !== 'number') return null;
      size *= dim;
    }
    const own = axis;
    const count = shape[own];
    const each = shape.slice(own + 1).reduce<number>((size, dim) => size * (dim as number), 1);
    if (!target || typeof count !== 'number' || count < 2 || count * each !== out) return null;
    const perms: number[][] = [];
    let value = reshape.outputs[0];
    for (;;) {
      const nodes = this.#readersOf(value);
      if (nodes.length !== 1 || nodes[0].op !== 'Transpose' || nodes[0].domain !== '') break;
      const perm = permOf(nodes[0], shape.length);
      const place = perm.indexOf(axis);
      // The same order without the axis of the parts.
      perms.push(perm.filter((_, at) => at !== place).map((from) => (from > axis ? from - 1 : from)));
      axis = place;
      value = nodes[0].outputs[0];
    }
    const picked = this.#readersOf(value).flatMap((node): readonly (Pick | null)[] => {
      return this.#picks(node, axis, shape.length) ?? [null];
    });
    if (picked.length === 0 || picked.some((one) => one === null)) return null;
    const parts = (picked as Pick[]).map(({ value, node, index }) => ({
      value,
      node,
      first: index * each,
      size: each,
    }));
    // A size of 0 is that of the input at the same place, which stays the same in front of the parts alone.
    const isWritten = target.every((size, at) => size !== 0 || at < own);
    return isWritten ? { parts, perms, target: target.filter((_, at) => at !== own) } : null;
  }

  /** Single places of an axis: by Gather, or by Split and Squeeze. */
  #picks(node: Node, axis: number, rank: number): readonly Pick[] | undefined {
    if (node.domain !== '' || !this.#isAlong(node, axis, rank)) return undefined;
    if (node.op === 'Gather') {
      const place = this.graph.initializers.get(node.inputs[1]);
      const count = this.#shapeOf(node.inputs[0])[axis] as number;
      const given = place?.dims.length === 0 ? Number(place.data[0]) : Number.NaN;
      const index = given < 0 ? given + count : given;
      return index >= 0 && index < count ? [{ value: node.outputs[0], node, index }] : undefined;
    }
    if (node.op !== 'Split' || node.outputs.length !== this.#shapeOf(node.inputs[0])[axis]) return undefined;
    const squeezed = node.outputs.map((value, index): Pick | null => {
      const [squeeze, ...others] = this.#readersOf(value);
      const axes = squeeze?.op === 'Squeeze' ? this.#numbers(squeeze, 'axes', 1) : undefined;
      const isOwn = axes?.length === 1 && (axes[0] === axis || axes[0] + rank === axis);
      return isOwn && others.length === 0 ? { value: squeeze.outputs[0], node: squeeze, index } : null;
    });
    return squeezed.every((one) => one !== null) ? squeezed : undefined;
  }
}

interface Pick {
  readonly value: string;
  readonly node: Node;
  readonly index: number;
}

const partName = ({ name }: Linear, i: number) => `${name}${packSuffix}${i}`;

/** A layer for each part, and what moves its outputs to where they were read. */
function unpacked(graph: Graph, { layer, parts, target, perms }: Pack): Graph {
  const constants = new Map<string, Tensor>();
  const nodes: Node[] = [];
  const gone = new Set([layer.node, ...parts.map(({ node }) => node)]);
  parts.forEach(({ value, first, size }, i) => {
    const name = partName(layer, i);
    const add = (part: string, tensor: Tensor) => {
      const constant = freshName(graph, `${name}/${part}`);
      constants.set(constant, tensor);
      return constant;
    };
    const rows = allOf(size).map((row) => first + row);
    const weight = add('weight', submatrix(layer.weight, rows, allOf(layer.weight.dims[1])));
    const inputs = [layer.input, weight, ...(layer.bias ? [add('bias', pick(layer.bias, rows))] : [])];
    const moves: [op: string, inputs: readonly string[], perm?: readonly number[]][] = [
      ...(target ? [['Reshape', [add('shape', int64Tensor(target))]] satisfies [string, string[]]] : []),
      ...perms.map((perm): [string, string[], readonly number[]] => ['Transpose', [], perm]),
    ];
    let made = moves.length === 0 ? value : freshName(graph, name);
    nodes.push({ ...layer.node, name, inputs, outputs: [made] });
    moves.forEach(([op, others, perm], step) => {
      const next = step === moves.length - 1 ? value : freshName(graph, `${name}/move${step}`);
      const attributes: Node['attributes'] = new Map(perm ? [['perm', perm]] : []);
      nodes.push({
        name: `${name}/move${step}`,
        op,
        domain: '',
        inputs: [made, ...others],
        outputs: [next],
        attributes,
      });
      made = next;
    });
  });
  return removeDead({
    ...graph,
    nodes: graph.nodes.flatMap((node) => (node === layer.node ? nodes : gone.has(node) ? [] : [node])),
    initializers: new Map([...graph.initializers, ...constants]),
  });
}

/**
 * A graph whose layers that pack query, key or value are taken apart, so that heads can be cut; other packs stay.
 * @returns `graph` itself where there are none
 */
export function unpackHeads(graph: Graph): Graph {
  const finder = new Finder(graph);
  const packs = layersOf(graph).flatMap((layer) => (isPlain(layer) ? (finder.packOf(layer) ?? []) : []));
  const makers = new Set(
    headsOf(packs.reduce(unpacked, graph)).flatMap((heads) => heads.makers.map(({ name }) => name)),
  );
  const isUsed = ({ layer, parts }: Pack) => parts.some((_, i) => makers.has(partName(layer, i)));
  return packs.filter(isUsed).reduce(unpacked, graph);
}
