/** What is differentiated: the scores behind a network's decisions, and the directions in which. */
import { analysisKernels } from '../../evidence/analysis.js';
import type { Graph } from '../../graph/graph.js';
import { unrounded } from '../../graph/widen-halves.js';
import { Tensor, type TensorData } from '../../runtime/tensor.js';
import type { Decision } from '../decision.js';

/** Final operators that keep the order of scores; the gradient is taken in front of them, where it does not fade. */
const squashing = new Set(['Softmax', 'LogSoftmax', 'Sigmoid', 'Identity']);

/** The value whose elements are the scores of an output. */
export function scoresOf(graph: Graph, output: string, decision: Decision): string {
  const value = unrounded(graph, output);
  if (decision.kind === 'error') return value;
  const node = graph.nodes.find(({ outputs }) => outputs.includes(value));
  if (node?.domain !== '' || !squashing.has(node.op)) return value;
  return scoresOf(graph, node.inputs[0], decision);
}

/** Up to this many scores each is differentiated; of more, as many random combinations. */
const mostDirections = 16;

/** Answers that are drawn for each row of scores, of which a sample then has many. */
const draws = 2;

/**
 * Directions v with mean v v^T = I over a row's scores (or the projection I - 1 1^T / C where only their differences
 * count), up to a common factor. One score each where a row has few; random signs otherwise, so that positions of one
 * sample do not mix.
 * @param dims  of the scores, [n, ..., C]
 * @param isCentred  whether a common shift of all scores means nothing
 */
export function* seedsFor(dims: readonly number[], isCentred: boolean, key: number): Generator<Tensor<'float32'>> {
  const { kernels, workspace } = analysisKernels();
  const columns = dims.at(-1) as number;
  const rows = dims.reduce((product, dim) => product * dim, 1) / columns;
  const isExact = columns <= mostDirections && rows === dims[0];
  const mean = isCentred && columns > 1 ? 1 : 0;
  for (let unit = 0; unit < Math.min(columns, mostDirections); unit++) {
    const data = workspace.scope(() => {
      const block = workspace.allocate('float32', rows * columns);
      if (isExact) kernels.f32_unit_rows(rows, columns, unit, mean, block.ptr);
      else kernels.f32_sign_rows(rows, columns, key + unit, mean, block.ptr);
      return workspace.copyOut(block);
    });
    yield new Tensor('float32', data, dims);
  }
}

/**
 * Directions e_y - p, p the softmax of a row's scores and y drawn from it: their mean v v^T is diag(p) - p p^T, how the
 * probabilities bend, in which answers out of question do not count.
 */
function* answerSeeds({ data, dims }: Tensor, key: number): Generator<Tensor<'float32'>> {
  const { kernels, workspace } = analysisKernels();
  const columns = dims.at(-1) as number;
  for (let draw = 0; draw < draws; draw++) {
    const seeds = workspace.scope(() => {
      const scores = workspace.copyIn('float32', data as TensorData<'float32'>);
      const block = workspace.allocate('float32', data.length);
      kernels.f32_answer_rows(data.length / columns, columns, key + draw, scores.ptr, block.ptr);
      return workspace.copyOut(block);
    });
    yield new Tensor('float32', seeds, dims);
  }
}

/**
 * The directions for some scores: answers drawn from their probabilities where a sample has many decisions among many
 * answers, as a text has, and {@link seedsFor} otherwise.
 */
export function directionsFor(scores: Tensor, decision: Decision, key: number): Generator<Tensor<'float32'>> {
  const { dims } = scores;
  const isText = decision.kind === 'argmax' && dims.length > 2 && (dims.at(-1) as number) > mostDirections;
  return isText ? answerSeeds(scores, key) : seedsFor(dims, decision.kind === 'argmax', key);
}
