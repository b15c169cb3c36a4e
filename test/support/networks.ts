/** Small networks for tests, as canonical graphs. */
import { foldConstants } from '../../src/graph/fold.js';
import type { Graph, Node } from '../../src/graph/graph.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { createRandom, type Random } from '../oracle/random.js';

export interface LayerSpec {
  /** [out][in]. */
  readonly weight: readonly (readonly number[])[];
  readonly bias: readonly number[];
}

export const node = (name: string, op: string, inputs: string[], output = name, domain = ''): Node => ({
  name,
  op,
  domain,
  inputs,
  outputs: [output],
  attributes: new Map(),
});

export function matrix(rows: readonly (readonly number[])[]): Tensor<'float32'> {
  return new Tensor('float32', Float32Array.from(rows.flat()), [rows.length, rows[0].length]);
}

export const vector = (values: readonly number[]) => new Tensor('float32', Float32Array.from(values), [values.length]);

/** A graph with float32 inputs [batch, width] and output `y`. */
export function makeGraph(
  inputs: Readonly<Record<string, number>>,
  nodes: readonly Node[],
  initializers: Readonly<Record<string, Tensor>>,
): Graph {
  return foldConstants({
    name: 'test',
    opset: 13,
    inputs: Object.entries(inputs).map(([name, width]) => ({ name, dtype: 'float32', shape: [[[1, 'batch']], width] })),
    outputs: [{ name: 'y', dtype: 'float32', shape: [] }],
    nodes,
    initializers: new Map(Object.entries(initializers)),
    quantization: new Map(),
  });
}

/** x -> fc1 -> relu -> fc2 -> ... -> y. */
export function mlp(layers: readonly LayerSpec[]): Graph {
  const nodes: Node[] = [];
  const initializers: Record<string, Tensor> = {};
  layers.forEach(({ weight, bias }, i) => {
    const [name, isLast] = [`fc${i + 1}`, i === layers.length - 1];
    initializers[`${name}.weight`] = matrix(weight);
    initializers[`${name}.bias`] = vector(bias);
    const input = i === 0 ? 'x' : `a${i}`;
    nodes.push(node(name, 'Linear', [input, `${name}.weight`, `${name}.bias`], isLast ? 'y' : `h${i + 1}`, 'kerf'));
    if (!isLast) nodes.push(node(`relu${i + 1}`, 'Relu', [`h${i + 1}`], `a${i + 1}`));
  });
  return makeGraph({ x: layers[0].weight[0].length }, nodes, initializers);
}

/** Normal weights with the spread of a trained layer. */
export function randomLayer(
  random: Random,
  out: number,
  inputs: number,
  keep: (i: number, j: number) => boolean,
): LayerSpec {
  const scale = Math.sqrt(2 / inputs);
  return {
    weight: Array.from({ length: out }, (_, i) =>
      Array.from({ length: inputs }, (_, j) => (keep(i, j) ? scale * random.normal() : 0)),
    ),
    bias: Array.from({ length: out }, () => 0.1 * random.normal()),
  };
}

export function shuffledLabels(random: Random, n: number, k: number): number[] {
  const labels = Array.from({ length: n }, (_, i) => i % k);
  for (let i = n - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [labels[i], labels[j]] = [labels[j], labels[i]];
  }
  return labels;
}

/** An MLP whose units carry hidden labels 0..k-1; weights between different labels are zero. */
export function plantedBlocks(seed: number, widths: readonly number[], k: number): Graph {
  const random = createRandom(seed);
  const labels = widths.map((width) => shuffledLabels(random, width, k));
  return mlp(
    widths
      .slice(1)
      .map((width, l) => randomLayer(random, width, widths[l], (i, j) => labels[l + 1][i] === labels[l][j])),
  );
}

/** Normal inputs [n, width]. */
export function normalRows(seed: number, n: number, width: number): Tensor<'float32'> {
  const random = createRandom(seed);
  return new Tensor(
    'float32',
    Float32Array.from({ length: n * width }, () => random.normal()),
    [n, width],
  );
}
