/**
 * Products of dequantised matrices as products of bytes:
 *
 *     MatMul(DequantizeLinear(a), DequantizeLinear(b))  ─▶  MatMulInteger(a, b) ─▶ Cast ─▶ Mul scaleA scaleB
 *     Gemm, alpha = beta = 1, in the same way           ─▶  .. ─▶ Add C
 *
 * with constant b, its scale one number or one for each output. The sum is exact then, where it was rounded before. For
 * running a model as it is: annealing wants the weights as numbers.
 */
import { onnxNumber, Tensor } from '../runtime/tensor.js';
import { removeDead } from './fold.js';
import type { Attribute, Graph, Node } from './graph.js';
import { integerOf, realOf } from './operators/attributes.js';
import { pick, toNumbers } from './operators/elements.js';
import { walk } from './operators/shapes.js';

/** First operator set with MatMulInteger. */
const leastOpset = 10;

interface Dequantized {
  readonly value: string;
  readonly scale: Tensor;
  readonly zero: string;
  readonly axis: number;
}

class Rewriter {
  readonly #producers: ReadonlyMap<string, Node>;
  readonly #names: Set<string>;
  readonly initializers: Map<string, Tensor>;

  constructor(readonly graph: Graph) {
    this.#producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));
    this.initializers = new Map(graph.initializers);
    const values = graph.nodes.flatMap(({ name, inputs, outputs }) => [name, ...inputs, ...outputs]);
    this.#names = new Set([...values, ...graph.inputs.map(({ name }) => name), ...graph.initializers.keys()]);
  }

  fresh(base: string): string {
    let name = base;
    for (let n = 2; this.#names.has(name); n++) name = `${base}.${n}`;
    this.#names.add(name);
    return name;
  }

  constant(base: string, tensor: Tensor): string {
    const name = this.fresh(base);
    this.initializers.set(name, tensor);
    return name;
  }

  /** The bytes behind a value, where a DequantizeLinear with a constant float32 scale makes it. */
  dequantized(value: string): Dequantized | null {
    const node = this.#producers.get(value);
    if (node?.op !== 'DequantizeLinear' || node.domain !== '' || integerOf(node, 'block_size', 0) > 0) return null;
    const [source, scaleName, zero = ''] = node.inputs;
    const scale = this.graph.initializers.get(scaleName);
    const isKnown = scale?.type === 'float32' && this.isByte(source);
    return isKnown ? { value: source, scale, zero, axis: integerOf(node, 'axis', 1) } : null;
  }

  /** Whether a value holds bytes: quantised here, or stored so. */
  isByte(value: string): boolean {
    const type =
      this.graph.initializers.get(value)?.type ?? this.graph.inputs.find(({ name }) => name === value)?.dtype;
    if (type) return type === 'uint8' || type === 'int8';
    const op = this.#producers.get(value)?.op ?? '';
    return ['QuantizeLinear', 'QLinearMatMul', 'DynamicQuantizeLinear'].includes(op);
  }

  /** The constant right factor [K, N] and its scales [N] or [1]; null where it is none. */
  right(value: string, isTransposed: boolean): { bytes: string; zero: string; scales: ArrayLike<number> } | null {
    const made = this.dequantized(value);
    const bytes = made && this.graph.initializers.get(made.value);
    if (!made || bytes?.dims.length !== 2) return null;
    const outputs = isTransposed ? 0 : 1;
    const axis = made.axis < 0 ? made.axis + 2 : made.axis;
    if (made.scale.size !== 1 && (axis !== outputs || made.scale.size !== bytes.dims[outputs])) return null;
    const [rows, columns] = bytes.dims;
    const turned = () => pick(bytes, [columns, rows], walk([columns, rows], [1, columns]));
    const name = isTransposed ? this.constant(`${made.value}/transposed`, turned()) : made.value;
    return { bytes: name, zero: made.zero, scales: toNumbers(made.scale) };
  }

  rewrite(node: Node): readonly Node[] {
    const isGemm = node.op === 'Gemm' && integerOf(node, 'transA', 0) === 0 && realOf(node, 'alpha', 1) === 1;
    if (node.domain !== '' || !(node.op === 'MatMul' || (isGemm && realOf(node, 'beta', 1) === 1))) return [node];
    const left = this.dequantized(node.inputs[0]);
    if (left?.scale.size !== 1) return [node];
    const right = this.right(node.inputs[1], isGemm && integerOf(node, 'transB', 0) !== 0);
    if (!right) return [node];
    const scales = Float32Array.from(right.scales, (scale) => scale * (left.scale.data[0] as number));
    const scale = this.constant(
      `${node.name}/scale`,
      new Tensor('float32', scales, scales.length === 1 ? [] : [scales.length]),
    );
    const nodes: Node[] = [];
    const emit = (
      op: string,
      inputs: readonly string[],
      output: string,
      attributes: readonly [string, Attribute][] = [],
    ) => {
      const name = output === node.outputs[0] ? node.name : output;
      nodes.push({ name, op, domain: '', inputs, outputs: [output], attributes: new Map(attributes) });
      return output;
    };
    const steps = ['MatMulInteger', 'Cast', 'Mul'].map((op) => this.fresh(`${node.name}/${op}`));
    const addend = node.inputs[2];
    emit('MatMulInteger', [left.value, right.bytes, left.zero, right.zero], steps[0]);
    emit('Cast', [steps[0]], steps[1], [['to', onnxNumber('float32')]]);
    const product = emit('Mul', [steps[1], scale], addend ? steps[2] : node.outputs[0]);
    if (addend) emit('Add', [product, addend], node.outputs[0]);
    return nodes;
  }
}

/** The graph with products of bytes where both factors are dequantised bytes. */
export function useIntegerProducts(graph: Graph): Graph {
  if (graph.opset < leastOpset || !graph.nodes.some(({ op }) => op === 'DequantizeLinear')) return graph;
  const rewriter = new Rewriter(graph);
  const nodes = graph.nodes.flatMap((node) => rewriter.rewrite(node));
  return removeDead({ ...graph, nodes, initializers: rewriter.initializers });
}
