/**
 * Small random graphs over operators that have kernels. All values are outputs but those marked hidden: inside a chain
 * product -> bias -> clamp, which the plan fuses, so that a test sees fused and unfused forms.
 */
import type { Graph, Node, Port } from '../../src/graph/graph.js';
import { type Facts, inferFacts } from '../../src/graph/infer.js';
import { KerfError } from '../../src/runtime/errors.js';
import { Tensor } from '../../src/runtime/tensor.js';
import type { Random } from '../oracle/random.js';
import { graphOf, int64, node, port } from './graph.js';

const unaries = [
  'Relu',
  'Neg',
  'Abs',
  'Exp',
  'Sigmoid',
  'Tanh',
  'Erf',
  'Floor',
  'Ceil',
  'Softplus',
  'HardSigmoid',
  'Elu',
];
const binaries = ['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min'];
const reductions = ['ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceSumSquare', 'ReduceL1', 'ReduceL2'];

export interface RandomGraph {
  readonly graph: Graph;
  /** Values that are no outputs of the graph. */
  readonly hidden: ReadonlySet<string>;
}

/** What one more step adds. */
interface Step {
  readonly nodes: readonly Node[];
  readonly constants?: Readonly<Record<string, Tensor>>;
  readonly hidden?: readonly string[];
}

class Grower {
  readonly inputs: readonly Port[];
  readonly hidden = new Set<string>();
  #nodes: readonly Node[] = [];
  #constants: Record<string, Tensor> = {};
  #visible: string[];
  #facts: Facts;
  #count = 0;

  constructor(readonly random: Random) {
    const dims = () => Array.from({ length: 1 + random.below(3) }, () => 1 + random.below(5));
    this.inputs = [port('x', ['n', ...dims()]), port('z', ['n', 1 + random.below(20)])];
    this.#visible = ['x', 'z'];
    this.#facts = inferFacts(this.graph());
  }

  graph(): Graph {
    const outputs = this.#nodes.flatMap((one) => one.outputs).filter((value) => !this.hidden.has(value));
    return graphOf({ inputs: this.inputs, outputs, nodes: this.#nodes, constants: this.#constants });
  }

  /** Tries one random step; sizes that do not fit, or would depend on n, are left out. */
  grow(): void {
    const { nodes, constants = {}, hidden = [] } = this.#propose();
    const [oldNodes, oldConstants] = [this.#nodes, this.#constants];
    this.#nodes = [...oldNodes, ...nodes];
    this.#constants = { ...oldConstants, ...constants };
    try {
      this.#facts = inferFacts(this.graph());
    } catch (error) {
      if (!(error instanceof KerfError)) throw error;
      [this.#nodes, this.#constants] = [oldNodes, oldConstants];
      return;
    }
    for (const value of hidden) this.hidden.add(value);
    for (const value of nodes.flatMap((one) => one.outputs)) if (!this.hidden.has(value)) this.#visible.push(value);
  }

  #name(): string {
    return `v${this.#count++}`;
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.random.below(list.length)];
  }

  #floats(...dims: readonly number[]): Tensor {
    const size = dims.reduce((product, dim) => product * dim, 1);
    return new Tensor(
      'float32',
      Float32Array.from({ length: size }, () => this.random.normal()),
      dims,
    );
  }

  #propose(): Step {
    const x = this.#pick(this.#visible);
    const rank = this.#facts.get(x)!.shape.length;
    const last = this.#facts.get(x)!.shape.at(-1);
    const y = this.#name();
    const axis = this.random.below(Math.max(rank, 1));
    switch (this.random.below(14)) {
      case 0:
      case 1:
        return { nodes: [node(this.#pick(unaries), [x], y)] };
      case 2:
      case 3:
        return { nodes: [node(this.#pick(binaries), [x, this.#pick(this.#visible)], y)] };
      case 4: {
        const width = typeof last === 'number' && this.random.below(2) ? last : 1;
        const constants = { [`${y}c`]: this.#floats(width) };
        return { nodes: [node(this.#pick(binaries), [x, `${y}c`], y)], constants };
      }
      case 5:
      case 6:
        return typeof last === 'number' ? this.#layer(x, last, y) : { nodes: [] };
      case 7:
        return { nodes: [node('MatMul', [x, this.#pick(this.#visible)], y)] };
      case 8:
        return { nodes: [node(this.#pick(['Softmax', 'LogSoftmax']), [x], y, { axis })] };
      case 9: {
        const axes = Array.from({ length: rank }, (_, at) => at).filter(() => this.random.below(2));
        if (axes.length === 0) return { nodes: [] };
        const attributes = { keepdims: this.random.below(2) };
        if (this.random.below(3) > 0) return { nodes: [node(this.#pick(reductions), [x], y, { axes, ...attributes })] };
        return { nodes: [node('ReduceSum', [x, `${y}a`], y, attributes)], constants: { [`${y}a`]: int64(...axes) } };
      }
      case 10: {
        const perm = Array.from({ length: rank }, (_, at) => at);
        for (let at = rank - 1; at > 0; at--) {
          const other = this.random.below(at + 1);
          [perm[at], perm[other]] = [perm[other], perm[at]];
        }
        return { nodes: [node('Transpose', [x], y, { perm })] };
      }
      case 11:
        return this.#windows(x, y);
      case 12:
        return { nodes: [node('Concat', [x, this.#pick(this.#visible), x], y, { axis })] };
      default:
        return this.#move(x, axis, last, y);
    }
  }

  /** x W, or x W + b, or clamp(x W + b), as MatMul and Add or as Gemm. */
  #layer(x: string, K: number, y: string): Step {
    const N = 1 + this.random.below(40);
    const chain = [`${y}p`, `${y}b`, y].slice(this.random.below(3));
    const [w, b] = [`${y}W`, `${y}B`];
    const names = [...chain];
    const nodes: Node[] = [];
    const isGemm = this.#facts.get(x)!.shape.length === 2 && this.random.below(2) === 1;
    const transB = this.random.below(2);
    const product = names.length === 1 ? y : names[0];
    if (isGemm) {
      const scale = this.random.below(3) ? {} : { alpha: 0.5, beta: 2 };
      nodes.push(node('Gemm', [x, w, b], product, { transB, ...scale }));
    } else nodes.push(node('MatMul', [x, w], product));
    if (names.length > 1) {
      const added = names[1];
      nodes.push(
        isGemm
          ? node('Relu', [product], added)
          : node(
              'Add',
              this.#pick([
                [product, b],
                [b, product],
              ]),
              added,
            ),
      );
    }
    if (names.length > 2) {
      const bounds = this.random.below(2) ? [`${y}lo`, `${y}hi`] : undefined;
      nodes.push(bounds ? node('Clip', [names[1], ...bounds], y) : node('Relu', [names[1]], y));
    }
    const constants = {
      [w]: isGemm && transB ? this.#floats(N, K) : this.#floats(K, N),
      [b]: this.random.below(4) ? this.#floats(N) : this.#floats(1),
      [`${y}lo`]: new Tensor('float32', Float32Array.of(-0.5), []),
      [`${y}hi`]: new Tensor('float32', Float32Array.of(1.5), []),
    };
    return { nodes, constants, hidden: names.slice(0, -1) };
  }

  /** A convolution, clamped or not, or a pool, with random windows; those that do not fit are left out later. */
  #windows(x: string, y: string): Step {
    const [, channels, ...image] = this.#facts.get(x)!.shape;
    if (typeof channels !== 'number' || image.length === 0) return { nodes: [] };
    const list = (most: number, least = 1) => image.map(() => least + this.random.below(most));
    const kernel_shape = list(3);
    const pads = [...kernel_shape, ...kernel_shape].map((size) => this.random.below(size));
    const sizes = { kernel_shape, strides: list(2), pads };
    if (this.random.below(2)) return { nodes: [node(this.#pick(['MaxPool', 'AveragePool']), [x], y, sizes)] };
    const group = this.random.below(2) ? channels : 1;
    const outputs = group * (1 + this.random.below(6));
    const constants = {
      [`${y}W`]: this.#floats(outputs, channels / group, ...kernel_shape),
      [`${y}B`]: this.#floats(outputs),
    };
    const inputs = [x, `${y}W`, `${y}B`].slice(0, 2 + this.random.below(2));
    const isClamped = this.random.below(2) === 1;
    const product = isClamped ? `${y}p` : y;
    const nodes = [node('Conv', inputs, product, { ...sizes, dilations: list(2), group })];
    if (isClamped) nodes.push(node('Relu', [product], y));
    return { nodes, constants, hidden: isClamped ? [product] : [] };
  }

  #move(x: string, axis: number, last: unknown, y: string): Step {
    switch (this.random.below(5)) {
      case 0:
        return { nodes: [node('Flatten', [x], y, { axis })] };
      case 1:
        return { nodes: [node('Reshape', [x, `${y}s`], y)], constants: { [`${y}s`]: int64(0, -1) } };
      case 2:
        return { nodes: [node('Unsqueeze', [x, `${y}s`], y)], constants: { [`${y}s`]: int64(axis) } };
      case 3: {
        const [start, end, at, step] = ['s', 'e', 'a', 't'].map((letter) => `${y}${letter}`);
        const backward = this.random.below(2) === 1;
        const constants = {
          [start]: int64(backward ? -1 : this.random.below(2)),
          [end]: int64(backward ? -1000 : 3),
          [at]: int64(axis),
          [step]: int64(backward ? -1 : 1 + this.random.below(2)),
        };
        return { nodes: [node('Slice', [x, start, end, at, step], y)], constants };
      }
      default: {
        const indices = typeof last === 'number' ? [0, last - 1, -1] : [0];
        return { nodes: [node('Gather', [x, `${y}i`], y, { axis: -1 })], constants: { [`${y}i`]: int64(...indices) } };
      }
    }
  }
}

/** A graph of about `steps` steps with inputs x [n, ...] and z [n, ...]. */
export function randomGraph(random: Random, steps: number): RandomGraph {
  const grower = new Grower(random);
  for (let step = 0; step < steps; step++) grower.grow();
  return { graph: grower.graph(), hidden: grower.hidden };
}
