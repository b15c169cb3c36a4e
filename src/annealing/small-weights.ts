/**
 * Gives linear layers weights of fewer bytes: float16, or int8 with a scale for each output. What is judged and packed is
 * this graph: the guard sees the rounding too.
 */
import { analysisKernels } from '../evidence/analysis.js';
import type { Graph, Node } from '../graph/graph.js';
import type { Feeds } from '../runtime/executor.js';
import { int8PanelLength, panelLength } from '../runtime/panels.js';
import { Tensor } from '../runtime/tensor.js';
import { asSamples, type Evaluate } from './context.js';
import { columnMeans } from './matrix.js';
import { freshName, type Linear, linearsOf, replaceNode } from './rewrite.js';
import { thinRows } from './rows.js';

/** How the weights of linear layers are stored. */
export type WeightFormat = 'f32' | 'f16' | 'int8';

/** Rows from which the moments of the layers' inputs are taken. */
const momentRows = 1024;

/** Inputs of the widest int8 layer: up to there 8 bits are left for the inputs, see assembly/linear/int8-rows.ts. */
const mostInputs = 2 ** 17 - 1;

/** Error of a layer's outputs by its int8 weights alone, relative, above which it is stored as float16. */
const mostError = 0.05;

interface Moments {
  readonly means: Float64Array<ArrayBuffer>;
  readonly squares: Float64Array<ArrayBuffer>;
}

/** Means and second moments of each layer's inputs on some rows; zeros and ones where there are no rows. */
async function momentsOf(
  graph: Graph,
  linears: readonly Linear[],
  rows: Feeds | null,
  evaluate: Evaluate,
): Promise<(linear: Linear) => Moments> {
  const names = [...new Set(linears.map(({ input }) => input))];
  const few = rows && thinRows(rows, momentRows);
  const given = new Set(graph.inputs.map(({ name }) => name));
  const inner = names.filter((name) => !given.has(name));
  const values = few && { ...few, ...(inner.length > 0 ? await evaluate(graph, few, inner) : {}) };
  const known = new Map<string, Moments>();
  for (const name of values ? names : []) {
    const samples = asSamples(values![name]);
    const squared = { ...samples, data: samples.data.map((x) => x * x) };
    known.set(name, { means: columnMeans(samples), squares: columnMeans(squared) });
  }
  return ({ input, weight: { dims } }) =>
    known.get(input) ?? { means: new Float64Array(dims[1]), squares: new Float64Array(dims[1]).fill(1) };
}

/** Numbers as the halves nearest to them; null where one is not finite then. */
function toHalves(tensor: Tensor<'float32'>): Tensor<'float32'> | null {
  const { kernels, workspace } = analysisKernels();
  const data = workspace.scope(() => {
    const source = workspace.copyIn('float32', tensor.data);
    const halves = workspace.allocate('float16', tensor.size);
    kernels.f32_narrow(halves.ptr, source.ptr, tensor.size);
    kernels.f16_widen(source.ptr, halves.ptr, tensor.size);
    return workspace.copyOut(source);
  });
  return data.every(Number.isFinite) ? new Tensor('float32', data, tensor.dims) : null;
}

type Constants = readonly (readonly [name: string, tensor: Tensor])[];

function replaceLinear(graph: Graph, { node, input }: Linear, change: Partial<Node>, constants: Constants): Graph {
  const named = constants.map(([part, tensor]) => [freshName(graph, `${node.name}/${part}`), tensor] as const);
  const inputs = [input, ...named.map(([name]) => name)];
  return replaceNode(graph, node.name, [{ ...node, ...change, inputs }], named);
}

/** The layer as float16; null where a number would overflow. */
function asHalves(graph: Graph, linear: Linear): Graph | null {
  const [weight, bias] = [toHalves(linear.weight), linear.bias && toHalves(linear.bias)];
  if (!weight || (linear.bias && !bias)) return null;
  const attributes = new Map([...linear.node.attributes, ['stored', 'float16'] as const]);
  const constants: Constants = bias
    ? [
        ['weight.f16', weight],
        ['bias.f16', bias],
      ]
    : [['weight.f16', weight]];
  return replaceLinear(graph, linear, { attributes }, constants);
}

/** The layer as int8, its bias making up for the mean of what rounding changes; null where that is too much. */
function asInt8(graph: Graph, linear: Linear, { means, squares }: Moments): Graph | null {
  const [N, K] = linear.weight.dims;
  if (K > mostInputs || int8PanelLength(N, K) >= 4 * panelLength(N, K)) return null;
  const { kernels, workspace } = analysisKernels();
  const { q, scale, stats } = workspace.scope(() => {
    const w = workspace.copyIn('float32', linear.weight.data);
    const [weights, mean] = [squares, means].map((data) => workspace.copyIn('float64', data));
    const blocks = [workspace.allocate('int8', N * K), workspace.allocate('float32', N)] as const;
    const numbers = workspace.allocate('float64', 3 * N);
    kernels.i8_quantize_rows(blocks[0].ptr, blocks[1].ptr, numbers.ptr, w.ptr, weights.ptr, mean.ptr, N, K);
    return { q: workspace.copyOut(blocks[0]), scale: workspace.copyOut(blocks[1]), stats: workspace.copyOut(numbers) };
  });
  let [error, size] = [0, 0];
  for (let n = 0; n < N; n++) [error, size] = [error + stats[3 * n + 1], size + stats[3 * n + 2]];
  // Also false where a weight is not finite.
  if (!(error <= mostError ** 2 * size)) return null;
  const bias = Float32Array.from(scale, (_, n) => (linear.bias?.data[n] ?? 0) + stats[3 * n]);
  return replaceLinear(graph, linear, { op: 'LinearInt8' }, [
    ['weight.int8', new Tensor('int8', q, [N, K])],
    ['scale', new Tensor('float32', scale, [N])],
    ['bias.shifted', new Tensor('float32', bias, [N])],
  ]);
}

/** How many layers are stored how. */
export interface StoredLayers {
  readonly int8: number;
  readonly float16: number;
  readonly float32: number;
}

export function countStored({ nodes }: Graph): StoredLayers {
  const of = (is: (node: Node) => boolean) => nodes.filter((node) => node.domain === 'kerf' && is(node)).length;
  return {
    int8: of(({ op }) => op === 'LinearInt8'),
    float16: of(({ op, attributes }) => op === 'Linear' && attributes.get('stored') === 'float16'),
    float32: of(({ op, attributes }) => op === 'Linear' && !attributes.has('stored')),
  };
}

/**
 * The graph with the weights of its linear layers in another format. A layer that int8 would change too much, or not make
 * smaller, becomes float16; one whose numbers leave the range of float16 stays float32.
 * @param rows  calibration rows: int8 scales are chosen for the inputs as they are; null to weigh all inputs alike
 */
export async function storeWeights(
  graph: Graph,
  format: WeightFormat,
  rows: Feeds | null,
  evaluate: Evaluate,
): Promise<Graph> {
  if (format === 'f32') return graph;
  const linears = linearsOf(graph);
  const moments = format === 'int8' ? await momentsOf(graph, linears, rows, evaluate) : null;
  return linears.reduce((next, linear) => {
    const small = moments && asInt8(next, linear, moments(linear));
    return small ?? asHalves(next, linear) ?? next;
  }, graph);
}
