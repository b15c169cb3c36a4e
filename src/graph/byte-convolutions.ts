/**
 * Convolutions of bytes as convolutions of the whole numbers that these stand for, for which there are kernels:
 *
 *     QLinearConv                              ─▶  Cast x ─▶ Sub zero ─▶ Conv ─▶ Mul scales ─▶ QuantizeLinear
 *     ConvInteger [─▶ Add b] ─▶ Cast float32   ─▶  Cast x ─▶ Sub zero ─▶ Conv [─▶ Add Cast b]
 *
 * with constant weights. Sums are exact up to 2^24, and rounded as every product of kerf's beyond.
 */
import { onnxNumber, type Tensor } from '../runtime/tensor.js';
import { readersOf, removeDead } from './fold.js';
import { FreshNames } from './fresh-names.js';
import type { Attribute, Graph, Node } from './graph.js';
import { integerOf } from './operators/attributes.js';
import { fillNumbers, toNumbers } from './operators/elements.js';

const float = onnxNumber('float32');

const isOp = (node: Node | undefined, op: string) => node?.op === op && node.domain === '';

class Rewriter {
  readonly constants: Map<string, Tensor>;
  readonly #readers: ReturnType<typeof readersOf>;
  readonly #names: FreshNames;
  readonly #outputs: ReadonlySet<string>;
  #nodes: Node[] = [];

  constructor(readonly graph: Graph) {
    this.constants = new Map(graph.initializers);
    this.#readers = readersOf(graph);
    this.#names = new FreshNames(graph);
    this.#outputs = new Set(graph.outputs.map(({ name }) => name));
  }

  /** Nodes in place of each node that changes. */
  run(): Graph {
    const replaced = new Map<Node, readonly Node[]>();
    for (const node of this.graph.nodes) {
      this.#nodes = [];
      if (isOp(node, 'QLinearConv')) this.#quantized(node);
      const [last, added] = isOp(node, 'ConvInteger') ? this.#ending(node) : [];
      if (last) this.#sums(node, last, added);
      if (this.#nodes.length > 0) replaced.set(last ?? node, this.#nodes);
    }
    const nodes = this.graph.nodes.flatMap((node) => replaced.get(node) ?? [node]);
    return removeDead({ ...this.graph, nodes, initializers: this.constants });
  }

  #emit(like: Node, op: string, inputs: readonly string[], output = '', attributes?: Node['attributes']): string {
    const name = this.#names.take(`${like.name}:${op}`);
    const value = output || name;
    this.#nodes.push({ name, op, domain: '', inputs, outputs: [value], attributes: attributes ?? new Map() });
    return value;
  }

  #constant(like: Node, tensor: Tensor): string {
    const name = this.#names.take(`${like.name}:constant`);
    this.constants.set(name, tensor);
    return name;
  }

  #cast(like: Node, value: string): string {
    return this.#emit(like, 'Cast', [value], '', new Map<string, Attribute>([['to', float]]));
  }

  /** Weights of bytes as numbers, less their zero points; undefined where they are not constant. */
  #weights(node: Node, at: number, zeroAt: number): string | undefined {
    const [w, zero] = [at, zeroAt].map((index) => this.constants.get(node.inputs[index] ?? ''));
    if (!w || w.dims.length < 3 || (node.inputs[zeroAt] && !zero)) return undefined;
    const [values, zeros] = [toNumbers(w), zero ? toNumbers(zero) : [0]];
    if (zeros.length !== 1 && zeros.length !== w.dims[0]) return undefined;
    const each = zeros.length === 1 ? w.size : w.size / w.dims[0];
    const numbers = fillNumbers('float32', w.dims, (i) => values[i] - zeros[Math.floor(i / each)]);
    return this.#constant(node, numbers);
  }

  /** The convolution of x less its zero point, a value; attributes are the node's own. */
  #convolve(node: Node, zero: string, weights: readonly string[], output?: string): string {
    const x = this.#cast(node, node.inputs[0]);
    const centred = zero ? this.#emit(node, 'Sub', [x, this.#cast(node, zero)]) : x;
    return this.#emit(node, 'Conv', [centred, ...weights], output, node.attributes);
  }

  #quantized(node: Node): void {
    const [scaleX, scaleW] = [1, 4].map((index) => this.constants.get(node.inputs[index]));
    const bias = this.constants.get(node.inputs[8] ?? '');
    const w = this.constants.get(node.inputs[3]);
    const weights = scaleX?.size === 1 && scaleW && w ? this.#weights(node, 3, 5) : undefined;
    if (weights === undefined || (node.inputs[8] && !bias)) return;
    const [sx, sw] = [toNumbers(scaleX!)[0], toNumbers(scaleW!)];
    const isWide = sw.length > 1;
    if (isWide && sw.length !== w!.dims[0]) return;
    const dims = isWide ? [sw.length, ...w!.dims.slice(2).map(() => 1)] : [];
    const scale = this.#constant(
      node,
      fillNumbers('float32', dims, (i) => sx * sw[i]),
    );
    const numbers = bias && toNumbers(bias);
    const addends = numbers
      ? [
          this.#constant(
            node,
            fillNumbers('float32', bias.dims, (i) => numbers[i]),
          ),
        ]
      : [];
    const sums = this.#convolve(node, node.inputs[2], [weights, ...addends]);
    const scaled = this.#emit(node, 'Mul', [sums, scale]);
    this.#emit(node, 'QuantizeLinear', [scaled, node.inputs[6], node.inputs[7]], node.outputs[0]);
  }

  /** The Cast that sums alone end in, and what is added to them before; none where others read them. */
  #ending(node: Node): readonly [last?: Node | undefined, added?: string] {
    const only = (value: string) => {
      const readers = this.#readers.get(value) ?? [];
      return readers.length === 1 && !this.#outputs.has(value) ? readers[0] : undefined;
    };
    const [sums] = node.outputs;
    const reader = only(sums);
    const isFloat = (one: Node | undefined) => isOp(one, 'Cast') && integerOf(one!, 'to', 0) === float;
    if (isFloat(reader)) return [reader];
    if (!isOp(reader, 'Add') || this.graph.opset < 7) return [];
    const last = only(reader!.outputs[0]);
    const added = reader!.inputs.find((value) => value !== sums);
    return isFloat(last) && added !== undefined ? [last, added] : [];
  }

  #sums(node: Node, last: Node, added: string | undefined): void {
    const weights = this.#weights(node, 1, 3);
    if (weights === undefined) return;
    const [y] = last.outputs;
    const sums = this.#convolve(node, node.inputs[2] ?? '', [weights], added === undefined ? y : '');
    if (added !== undefined) this.#emit(node, 'Add', [sums, this.#cast(node, added)], y);
  }
}

/** @returns a graph of the same function, see the head of this file */
export function convolveNumbers(graph: Graph): Graph {
  const isOfBytes = (node: Node) => isOp(node, 'QLinearConv') || isOp(node, 'ConvInteger');
  return graph.nodes.some(isOfBytes) ? new Rewriter(graph).run() : graph;
}
