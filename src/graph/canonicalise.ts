/**
 * One form for all models: control flow and sequences resolved, constants folded, identities, zero first states
 * and dead code gone, reshapes to numbers, and every product with a constant matrix a `Linear` node with W [out, in] that keeps the file's
 * tensor name.
 *
 *     Gemm(x, B, C)           ─▶  Linear(x, B', C)              alpha = beta = 1, C the same for every row
 *     Gemm(x, B, C) otherwise ─▶  Linear ─▶ Mul alpha ─▶ Add beta C
 *     Add(MatMul(x, B), b)    ─▶  Linear(x, B', b)              when nothing else reads the product
 */
import { type Extent, equals } from '../runtime/extent.js';
import { Tensor } from '../runtime/tensor.js';
import { addMasks } from './additive-masks.js';
import { convolveNumbers } from './byte-convolutions.js';
import { foldConstants, readersOf, removeDead } from './fold.js';
import { FreshNames } from './fresh-names.js';
import type { Attribute, Graph, Node } from './graph.js';
import { type Facts, inferFacts } from './infer.js';
import { inlineControl } from './inline-control.js';
import { sliceOpenPositions } from './open-positions.js';
import { integerOf, realOf } from './operators/attributes.js';
import { alignSecond } from './operators/legacy-broadcast.js';
import { settleReshapes } from './reshapes.js';
import { traceOrigins, WeightNames } from './weight-names.js';
import { widenHalves } from './widen-halves.js';
import { writeAttention } from './write-attention.js';
import { removeZeroStates } from './zero-states.js';

const noAttributes: ReadonlyMap<string, Attribute> = new Map();

function makeNode(name: string, op: string, domain: string, inputs: readonly string[], output: string): Node {
  return { name, op, domain, inputs, outputs: [output], attributes: noAttributes };
}

/** Whether a node gives what it reads: Identity, Dropout at inference, a Cast to the dtype that is there. */
function isIdentity({ op, domain, inputs, outputs }: Node, facts: Facts): boolean {
  if (domain !== '') return false;
  if (op === 'Cast') return facts.get(inputs[0])?.dtype === facts.get(outputs[0])?.dtype;
  return op === 'Identity' || (op === 'Dropout' && !outputs[1]);
}

/** Removes what gives what it reads, except where it makes an output of the graph. */
function removeIdentities(graph: Graph): Graph {
  const facts = graph.nodes.some(({ op }) => op === 'Cast') ? inferFacts(graph) : new Map();
  const outputs = new Set(graph.outputs.map((port) => port.name));
  const standsFor = new Map<string, string>();
  const resolve = (value: string) => standsFor.get(value) ?? value;
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map(resolve);
    if (isIdentity(node, facts) && !outputs.has(node.outputs[0])) standsFor.set(node.outputs[0], inputs[0]);
    else nodes.push({ ...node, inputs });
  }
  return { ...graph, nodes };
}

/** Rows and columns that are transposed together. */
const tile = 64;

/** What {@link transposed} has made: a graph without a plan for all sizes is made canonical for those of each run. */
const turnedMatrices = new WeakMap<Tensor, Tensor<'float32'>>();

/** The matrix [rows, columns] transposed. */
function transposed(matrix: Tensor<'float32'>): Tensor<'float32'> {
  const known = turnedMatrices.get(matrix);
  if (known) return known;
  const [data, [rows, columns]] = [matrix.data, matrix.dims];
  const turned = new Float32Array(data.length);
  // In tiles, since every column of a large matrix is a walk through all of its memory.
  for (let row = 0; row < rows; row += tile) {
    for (let column = 0; column < columns; column += tile) {
      for (let r = row; r < Math.min(row + tile, rows); r++) {
        for (let c = column; c < Math.min(column + tile, columns); c++) turned[c * rows + r] = data[r * columns + c];
      }
    }
  }
  const result = new Tensor('float32', turned, [columns, rows]);
  turnedMatrices.set(matrix, result);
  return result;
}

/** Rewrites the products of one graph. */
class LinearPatterns {
  readonly #fresh: FreshNames;

  constructor(
    readonly graph: Graph,
    readonly facts: Facts,
    readonly names: WeightNames,
  ) {
    this.#fresh = new FreshNames(graph);
  }

  rewrite(node: Node): readonly Node[] {
    if (node.domain !== '') return [node];
    if (node.op === 'MatMul') return this.#rewriteMatMul(node);
    return node.op === 'Gemm' ? this.#rewriteGemm(node) : [node];
  }

  #constant(value: string | undefined): Tensor<'float32'> | undefined {
    const tensor = value ? this.facts.get(value)?.constant : undefined;
    return tensor?.type === 'float32' ? (tensor as Tensor<'float32'>) : undefined;
  }

  /** The weight as [out, in] under a provisional name, or undefined where it is no constant float32 matrix. */
  #weight(value: string, isOutIn: boolean): string | undefined {
    const matrix = this.#constant(value);
    if (matrix?.dims.length !== 2) return undefined;
    return this.names.add(value, isOutIn ? 'W' : 'W transposed', () => (isOutIn ? matrix : transposed(matrix)));
  }

  #rewriteMatMul(node: Node): readonly Node[] {
    const weight = this.#weight(node.inputs[1], false);
    if (weight === undefined) return [node];
    return [makeNode(node.name, 'Linear', 'kerf', [node.inputs[0], weight], node.outputs[0])];
  }

  #rewriteGemm(node: Node): readonly Node[] {
    const weight = this.#weight(node.inputs[1], integerOf(node, 'transB', 0) !== 0);
    if (weight === undefined || integerOf(node, 'transA', 0) !== 0) return [node];
    const [alpha, beta] = [realOf(node, 'alpha', 1), realOf(node, 'beta', 1)];
    const addend = beta === 0 || !node.inputs[2] ? undefined : node.inputs[2];
    const N = this.names.get(weight)!.dims[0];
    const bias = addend && alpha === 1 && beta === 1 ? this.bias(addend, N, 2) : undefined;
    const inputs = [node.inputs[0], weight, ...(bias ? [bias] : [])];
    const before: Node[] = [];
    const rest: Node[] = [];
    let value = node.outputs[0];
    // From the last node to the first, so that the last one makes the output's name.
    const precede = (op: string, other: string) => {
      const source = this.#fresh.take(`${node.outputs[0]}:${op}`);
      rest.unshift(makeNode(this.#fresh.take(`${node.name}:${op}`), op, '', [source, other], value));
      value = source;
    };
    if (addend && !bias) precede('Add', beta === 1 ? addend : this.#scaled(node, addend, beta, before));
    if (alpha !== 1) precede('Mul', this.#scalar(alpha));
    return [...before, makeNode(node.name, 'Linear', 'kerf', inputs, value), ...rest];
  }

  /** beta C, by a node of its own. */
  #scaled(node: Node, addend: string, beta: number, nodes: Node[]): string {
    const value = this.#fresh.take(`${node.outputs[0]}:beta`);
    nodes.push(makeNode(this.#fresh.take(`${node.name}:beta`), 'Mul', '', [addend, this.#scalar(beta)], value));
    return value;
  }

  #scalar(value: number): string {
    return this.names.add(
      `scalar ${Math.fround(value)}`,
      'scalar',
      () => new Tensor('float32', Float32Array.of(value), []),
    );
  }

  /**
   * A constant addend as the bias [N] of a layer whose output has `rank` dimensions: the same for every row.
   * @param shape  the addend's shape as broadcasting sees it
   */
  bias(value: string, N: number, rank: number, shape?: readonly Extent[]): string | undefined {
    const tensor = this.#constant(value);
    if (!tensor) return undefined;
    const dims = shape ?? tensor.dims;
    const isRow = dims.length <= rank && dims.slice(0, -1).every((dim) => dim === 1);
    const last = dims.at(-1) ?? 1;
    if (!isRow || (last !== N && last !== 1)) return undefined;
    if (tensor.size === N)
      return this.names.add(value, 'b', () => (tensor.dims.length === 1 ? tensor : tensor.reshape([N])));
    return this.names.add(
      value,
      `b ${N}`,
      () => new Tensor('float32', new Float32Array(N).fill(tensor.data[0] as number)),
    );
  }
}

/** The value that an Add puts on `product`, and its shape under broadcasting. */
function addendOf(
  add: Node,
  product: string,
  facts: Facts,
  opset: number,
): { value: string; shape: readonly Extent[] } | undefined {
  const [first, second] = add.inputs;
  if (add.op !== 'Add' || add.domain !== '' || first === second) return undefined;
  if (second === product) return opset < 7 ? undefined : { value: first, shape: facts.get(first)?.shape ?? [] };
  const rank = facts.get(product)?.shape.length ?? 0;
  return { value: second, shape: alignSecond(add, opset, rank, facts.get(second)?.shape ?? []) };
}

/** Merges a constant Add into the bias-less Linear that it alone reads. */
function absorbBiases(graph: Graph, facts: Facts, patterns: LinearPatterns): Graph {
  const readers = readersOf(graph);
  const isOutput = new Set(graph.outputs.map((port) => port.name));
  const replaced = new Map<Node, Node | null>();
  for (const node of graph.nodes) {
    const [product] = node.outputs;
    const [add, ...others] = readers.get(product) ?? [];
    if (node.op !== 'Linear' || node.inputs[2] || !add || others.length > 0 || isOutput.has(product)) continue;
    const addend = addendOf(add, product, facts, graph.opset);
    const shape = facts.get(add.outputs[0])?.shape;
    const last = shape?.at(-1);
    if (!addend || typeof last !== 'number') continue;
    const bias = patterns.bias(addend.value, last, shape!.length, addend.shape);
    const N = patterns.names.get(node.inputs[1])?.dims[0] ?? graph.initializers.get(node.inputs[1])?.dims[0];
    const rank = facts.get(product)?.shape.length ?? shape!.length;
    if (bias === undefined || N === undefined || !equals(last, N) || rank !== shape!.length) continue;
    replaced.set(node, { ...node, inputs: [node.inputs[0], node.inputs[1], bias], outputs: add.outputs });
    replaced.set(add, null);
  }
  const nodes = graph.nodes.flatMap((node) => {
    const now = replaced.get(node);
    return now === undefined ? [node] : now === null ? [] : [now];
  });
  return { ...graph, nodes };
}

/**
 * The canonical form of a model's graph, see the head of this file.
 * @param given  as a reader made it
 * @returns a graph with the same inputs, outputs and function
 * @throws what {@link inferFacts} throws
 */
export function canonicalise(given: Graph): Graph {
  const graph = writeAttention(inlineControl(widenHalves(given)));
  const folded = convolveNumbers(sliceOpenPositions(removeZeroStates(removeIdentities(foldConstants(graph)))));
  const facts = inferFacts(folded);
  const names = new WeightNames(traceOrigins(graph));
  const patterns = new LinearPatterns(folded, facts, names);
  const products = { ...folded, nodes: folded.nodes.flatMap((node) => patterns.rewrite(node)) };
  const absorbed = removeDead(absorbBiases(products, facts, patterns));
  return foldConstants(addMasks(removeIdentities(settleReshapes(names.settle(absorbed, graph.quantization)))));
}
