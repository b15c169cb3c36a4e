/**
 * Sessions against the reference evaluators on random graphs. Every node is checked on the inputs that the session
 * itself computed, so errors do not add up; inside a fused chain the reference value and its bound are carried on.
 */
import assert from 'node:assert/strict';
import type { Graph, Node } from '../../src/graph/graph.js';
import { findOperator } from '../../src/graph/operators/index.js';
import { createSessionFromModel } from '../../src/pipeline.js';
import { KerfError } from '../../src/runtime/errors.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { createRandom, type Random } from '../oracle/random.js';
import { unaryReferences } from '../oracle/unary.js';
import { randomGraph } from '../support/random-graph.js';

const graphs = 150;
const steps = 14;
const seed = Number(process.env['KERF_SEED'] ?? 4711);

/** Unit roundoff of float32, and half its smallest denormal. */
const u = 2 ** -24;
const tiny = 2 ** -149;

/** A reference value, and how far a correct session may be from each of its elements. */
interface Checked {
  readonly value: Tensor;
  readonly bound: ArrayLike<number>;
}

const gamma = (k: number) => (k * u) / (1 - k * u);
const numbersOf = (tensor: Tensor) => tensor.data as Float32Array;

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[], opset: number): Tensor {
  return findOperator(node, opset)!.evaluate(node, inputs, opset)[0];
}

/** The node on absolute values: the sum of absolute terms, where the operator is a sum. */
function absolute(node: Node, inputs: readonly (Tensor | undefined)[], opset: number): Float32Array {
  const magnitudes = inputs.map((input) =>
    input?.type === 'float32' ? new Tensor('float32', numbersOf(input).map(Math.abs), input.dims) : input,
  );
  return numbersOf(evaluate(node, magnitudes, opset));
}

const sums = new Set(['ReduceSum', 'ReduceMean', 'ReduceSumSquare', 'ReduceL1', 'ReduceL2']);
const wordOf: Readonly<Record<string, string>> = { HardSigmoid: 'hard-sigmoid' };

/** How far the kernel's result may be from the evaluator's, element by element; the evaluator rounds once itself. */
function ownBound(node: Node, inputs: readonly (Tensor | undefined)[], value: Tensor, opset: number): Float64Array {
  const values = numbersOf(value);
  const from = (bound: (index: number) => number) => Float64Array.from(values, (_, i) => bound(i));
  if (node.op === 'MatMul' || node.op === 'Gemm') {
    const terms = absolute(node, inputs, opset);
    const K = inputs[0]!.dims.at(-1) ?? 1;
    // K products and sums, the bias, alpha and beta, and the evaluator's rounding.
    return from((i) => gamma(K + 5) * terms[i] + (K + 5) * tiny);
  }
  if (node.op === 'Conv') {
    const terms = absolute(node, inputs, opset);
    const K = inputs[1]!.size / inputs[1]!.dims[0];
    return from((i) => gamma(K + 2) * terms[i] + (K + 2) * tiny);
  }
  if (node.op === 'AveragePool') {
    const terms = absolute(node, inputs, opset);
    const taps = (node.attributes.get('kernel_shape') as readonly number[]).reduce((product, size) => product * size);
    if (numbersOf(inputs[0]!).some((x) => Math.abs(x) > 1e15)) return from(() => Number.POSITIVE_INFINITY);
    return from((i) => gamma(taps + 2) * terms[i] + (taps + 2) * tiny);
  }
  if (sums.has(node.op)) {
    const terms = absolute(node, inputs, opset);
    const count = inputs[0]!.size / Math.max(1, value.size);
    // A partial sum in float32 may overflow where the evaluator's, in f64, does not.
    if (numbersOf(inputs[0]!).some((x) => Math.abs(x) > 1e15)) return from(() => Number.POSITIVE_INFINITY);
    return from((i) => gamma(count + 4) * terms[i] + (count + 4) * tiny);
  }
  if (node.op.endsWith('Softmax')) return softmaxBound(node, inputs[0]!, value);
  if (node.op === 'HardSigmoid') {
    // Two roundings, of alpha x and of the sum.
    const x = numbersOf(inputs[0]!);
    return from((i) => 2 * u * (0.2 * Math.abs(x[i]) + 1));
  }
  const reference = unaryReferences[wordOf[node.op] ?? node.op.toLowerCase()];
  const ulps = reference && inputs.length === 1 ? reference.ulps : 0;
  return from((i) => (ulps > 0.5 ? (ulps + 1) * 2 * u * Math.abs(values[i]) + ulps * tiny : 0));
}

/**
 * With D the largest distance of a finite logit from the largest: exp sees an argument off by u D, errs by 2 ulp (4 u), n
 * terms are added, and divided; the logarithm of the sum is at most log n.
 */
function softmaxBound(node: Node, x: Tensor, value: Tensor): Float64Array {
  const finite = numbersOf(x).filter(Number.isFinite);
  const D =
    finite.reduce((most, a) => Math.max(most, a), -1e38) - finite.reduce((least, a) => Math.min(least, a), 1e38);
  const n = x.dims[Number(node.attributes.get('axis'))];
  const relative = (2 * D + 8 + n + 4) * u;
  const isLog = node.op === 'LogSoftmax';
  const off = isLog ? relative + 4 * u * (D + Math.log(n) + 1) : 0;
  return Float64Array.from(numbersOf(value), (y) => (isLog ? off : relative * Math.abs(y) + 4 * tiny));
}

/** Bounds of hidden inputs, carried through the operators that a fused chain has. */
function carriedBound(node: Node, inputs: readonly Checked[], value: Tensor): Float64Array {
  const hidden = inputs.find(({ bound }) => bound.length === value.size && Array.from(bound).some((one) => one > 0));
  if (!hidden) return new Float64Array(value.size);
  assert.ok(['Add', 'Relu', 'Clip'].includes(node.op), `a hidden value reaches ${node.op}`);
  const before = numbersOf(hidden.value);
  const values = numbersOf(value);
  // The bias comes first in the kernel: it takes part in every rounding, which the factor covers.
  return Float64Array.from(values, (y, i) => {
    const bias = node.op === 'Add' ? Math.abs(y - before[i]) + Math.abs(y) : 0;
    return hidden.bound[i] + gamma(64) * bias;
  });
}

function assertNear(where: string, got: Tensor, { value, bound }: Checked): void {
  assert.equal(`${got.type} [${got.dims}]`, `${value.type} [${value.dims}]`, where);
  const [a, b] = [numbersOf(got), numbersOf(value)];
  const isNear = (i: number) =>
    bound[i] === Number.POSITIVE_INFINITY ||
    Object.is(a[i], b[i]) ||
    a[i] === b[i] ||
    Math.abs(a[i] - b[i]) <= bound[i];
  const wrong = a.findIndex((_, i) => !isNear(i));
  assert.equal(wrong, -1, `${where}[${wrong}]: got ${a[wrong]}, expected ${b[wrong]} within ${bound[wrong]}`);
}

/** Checks every node of a graph; values that the session returned replace the reference's. */
function checkNodes(where: string, graph: Graph, known: Map<string, Checked>, outputs: Record<string, Tensor>): void {
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((value) => known.get(value)!);
    const tensors = inputs.map(({ value }) => value);
    const value = evaluate(node, tensors, graph.opset);
    const own = ownBound(node, tensors, value, graph.opset);
    const carried = carriedBound(node, inputs, value);
    const checked = { value, bound: own.map((bound, i) => bound + carried[i]) };
    const [name] = node.outputs;
    const got = outputs[name];
    if (got) assertNear(`${where}, node "${name}" (${node.op})`, got, checked);
    known.set(name, got ? { value: got, bound: new Float64Array(got.size) } : checked);
  }
}

function feedsOf(graph: Graph, random: Random, n: number): Record<string, Tensor> {
  return Object.fromEntries(
    graph.inputs.map(({ name, shape }) => {
      const dims = shape.map((dim) => (typeof dim === 'number' ? dim : n));
      const size = dims.reduce((product, dim) => product * dim, 1);
      return [
        name,
        new Tensor(
          'float32',
          Float32Array.from({ length: size }, () => random.normal()),
          dims,
        ),
      ];
    }),
  );
}

describe(`random graphs (KERF_SEED=${seed})`, () => {
  it(`agree with the evaluators, node by node, in ${graphs} graphs at two batch sizes`, async () => {
    let [nodes, plans] = [0, 0];
    for (let g = 0; g < graphs; g++) {
      const random = createRandom(seed + g);
      const { graph } = randomGraph(random, steps);
      if (graph.outputs.length === 0) continue;
      const session = createSessionFromModel(
        { format: 'onnx', graph, unsupported: [], sha256: '' },
        { executor: 'wasm' },
      );
      for (const n of [1 + random.below(3), 5 + random.below(20)]) {
        const feeds = feedsOf(graph, random, n);
        const outputs = await session.run(feeds).catch((error: unknown) => {
          // A graph may fit one batch size alone, e.g. MatMul over the batch axis; it must then say so.
          if (error instanceof KerfError && error.code === 'SHAPE_MISMATCH') return undefined;
          throw new Error(`graph ${g} at n = ${n}: ${(error as Error).message}`, { cause: error });
        });
        if (!outputs) continue;
        const given = [...Object.entries(feeds), ...graph.initializers];
        const known = new Map(given.map(([name, value]) => [name, { value, bound: new Float64Array(value.size) }]));
        checkNodes(`graph ${g} at n = ${n}`, graph, known, outputs);
        nodes += graph.nodes.length;
        plans++;
      }
    }
    assert.ok(plans >= graphs && nodes >= 5 * graphs, `got ${plans} runs of ${nodes} nodes: too few for a test`);
  });
});
