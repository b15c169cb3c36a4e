/**
 * Tuning of a fitted network: a few epochs of Adam on its weights, its structure fixed, against the original's scores.
 *
 * Least squares fits layer by layer; this fits all layers to the end result. Rows are set aside before anything is fitted,
 * and the state that does best on them is kept, so that what is kept is never worse by them than what least squares gave.
 * Weights are averaged over steps: single states of so few rows are noisy, and averages improve steadily.
 */
import { analysisKernels } from '../../evidence/analysis.js';
import { bindGraph, sizesOf } from '../../graph/fix-sizes.js';
import type { Graph } from '../../graph/graph.js';
import { KerfError } from '../../runtime/errors.js';
import type { Feeds } from '../../runtime/executor.js';
import { isStatic } from '../../runtime/extent.js';
import { Tensor } from '../../runtime/tensor.js';
import { rowWeights } from '../balance.js';
import { type AnnealOptions, throwIfAborted } from '../context.js';
import type { Decision } from '../decision.js';
import { scoresOf } from '../gradients/seeds.js';
import { randomWords, shuffled } from '../random.js';
import { rowCount, takeRows } from '../rows.js';
import { type TrainingGraph, trainingGraph } from './training-graph.js';

/** Samples of one step. */
const batchRows = 64;

/** Largest step of a weight, as a share of the root mean square of its tensor; it rises at first and falls as a cosine. */
const rate = 0.01;
const risingShare = 0.05;

/** A root mean square that even a tensor of zeros counts as. */
const leastScale = 1e-3;

const [firstMoment, secondMoment] = [0.9, 0.99];

/** What the running average keeps at each step. */
const keepShare = 0.98;

/** How often the rows that were set aside are looked at, and after how many looks without gain tuning ends. */
const looks = 16;
const patience = 4;

/** Share of the calibration rows that is set aside, and most rows of them: more say nothing new. */
const heldShare = 1 / 10;
const mostHeld = 1024;

/** Rows with the original's scores and the weight of each. */
interface Lesson {
  readonly rows: Feeds;
  readonly scores: Tensor;
  /** With mean 1. */
  readonly weights: Float32Array;
}

/** The weights under training, one array each for weights, gradients' moments and the running average. */
class Weights {
  readonly #tensors: ReadonlyMap<string, Tensor<'float32'>>;
  readonly #state = new Map<string, Record<'w' | 'm' | 'v' | 'a', Float32Array<ArrayBuffer>>>();
  readonly #scales = new Map<string, number>();
  #steps = 0;

  constructor(graph: Graph, { parameters }: TrainingGraph) {
    this.#tensors = new Map(parameters.map(({ name }) => [name, graph.initializers.get(name) as Tensor<'float32'>]));
    for (const [name, { data, size }] of this.#tensors) {
      const zeros = () => new Float32Array(size);
      this.#state.set(name, { w: data.slice(), m: zeros(), v: zeros(), a: data.slice() });
      this.#scales.set(name, Math.max(leastScale, rootMeanSquare(data)));
    }
  }

  /** The weights, or their running averages, as feeds; owned by this. */
  feeds(which: 'w' | 'a'): Record<string, Tensor> {
    const named = [...this.#state].map(([name, state]) => [name, this.#tensorOf(name, state[which])] as const);
    return Object.fromEntries(named);
  }

  /** A copy of the running averages. */
  average(): Map<string, Tensor> {
    return new Map([...this.#state].map(([name, { a }]) => [name, this.#tensorOf(name, a.slice())]));
  }

  #tensorOf(name: string, data: Float32Array<ArrayBuffer>): Tensor {
    return new Tensor('float32', data, this.#tensors.get(name)!.dims);
  }

  step(rate: number, gradientOf: (name: string) => Tensor): void {
    this.#steps++;
    const [c1, c2] = [firstMoment, secondMoment].map((moment) => 1 - moment ** this.#steps);
    const { kernels, workspace } = analysisKernels();
    for (const [name, { w, m, v, a }] of this.#state) {
      workspace.scope(() => {
        const g = gradientOf(name).data as Float32Array<ArrayBuffer>;
        const [gBlock, ...blocks] = [g, w, m, v, a].map((data) => workspace.copyIn('float32', data));
        const [wPtr, mPtr, vPtr, aPtr] = blocks.map(({ ptr }) => ptr);
        const own = rate * this.#scales.get(name)!;
        kernels.f32_adam_step(
          ...([w.length, own, firstMoment, secondMoment, c1, c2, keepShare] as const),
          ...([gBlock.ptr, wPtr, mPtr, vPtr, aPtr] as const),
        );
        for (const [i, data] of [w, m, v, a].entries()) data.set(workspace.view(blocks[i]));
      });
    }
  }
}

/** Square root of the mean of squares, from the moments kernel. */
function rootMeanSquare(data: Float32Array<ArrayBuffer>): number {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const out = workspace.allocate('float64', 5); // sum, sum of squares, smallest, largest, not finite
    kernels.f32_moments(data.length, workspace.copyIn('float32', data).ptr, out.ptr);
    return Math.sqrt(workspace.view(out)[1] / Math.max(1, data.length));
  });
}

/** The rate at a step, as a share of the largest. */
function rateAt(step: number, steps: number): number {
  const rising = Math.min(1, (step + 1) / (risingShare * steps + 1));
  return rising * 0.5 * (1 + Math.cos((Math.PI * step) / steps));
}

/** Splits calibration rows: a tenth, of many rows less, is set aside from every fit. */
export function setAside(rows: Feeds, seed: number): { readonly fitted: Feeds; readonly held: Feeds } {
  const n = rowCount(rows);
  const order = shuffled(
    Array.from({ length: n }, (_, row) => row),
    randomWords(seed),
  );
  const count = Math.min(mostHeld, Math.max(1, Math.floor(n * heldShare)));
  const sorted = (part: number[]) => part.sort((a, b) => a - b);
  return { held: takeRows(rows, sorted(order.slice(0, count))), fitted: takeRows(rows, sorted(order.slice(count))) };
}

/** Tunes fitted networks on the same rows. */
export class Tuner {
  #lessons: Promise<{ fitted: Lesson; held: Lesson }> | null = null;

  /**
   * @param original  whose scores are aimed at
   * @param fitted  rows to learn from
   * @param held  rows that nothing was fitted to
   * @throws OPTION_INVALID when a run of the model takes a fixed number of samples
   */
  constructor(
    readonly original: Graph,
    readonly fitted: Feeds,
    readonly held: Feeds,
    readonly decision: Decision,
    readonly options: AnnealOptions,
  ) {
    const [first] = original.inputs.map(({ shape }) => shape[0]);
    if (first !== undefined && !isStatic(first)) return;
    const problem = `the model takes a fixed number of samples a run: got ${String(first)}, expected any. Leave --tune out.`;
    throw new KerfError('OPTION_INVALID', '--tune', problem);
  }

  /**
   * @returns the graph with the weights that do best on the rows set aside; `graph` itself where none do better
   * @complexity about three runs of the network on `batchRows` samples a step
   */
  async tune(graph: Graph, name: string): Promise<Graph> {
    const training = trainingGraph(bindGraph(graph, sizesOf(graph, this.fitted)), this.decision);
    const { compile, tune: steps = 0 } = this.options;
    if (!training || !compile) return graph;
    this.#lessons ??= this.#makeLessons();
    const { fitted, held } = await this.#lessons;
    const [step, measure] = [compile(training.step), compile(training.measure)];
    const weights = new Weights(graph, training);
    const order = this.#batches(rowCount(fitted.rows));
    const lossOf = async () => {
      const { [training.loss]: loss } = await measure.run(feedsOf(graph, training, held, null, weights.feeds('a')));
      return Number(loss.data[0]);
    };
    let [best, kept, idle] = [await lossOf(), null as ReturnType<Weights['average']> | null, 0];
    for (let done = 0; done < steps && idle < patience; done++) {
      throwIfAborted(this.options.signal);
      this.options.onProgress?.({ stage: `tune ${name}`, done, total: steps });
      const outputs = await step.run(feedsOf(graph, training, fitted, order.next().value!, weights.feeds('w')));
      const gradients = new Map(training.parameters.map((one) => [one.name, outputs[one.gradient]]));
      weights.step(rate * rateAt(done, steps), (parameter) => gradients.get(parameter)!);
      if ((done + 1) % Math.ceil(steps / looks) !== 0 && done + 1 < steps) continue;
      const loss = await lossOf();
      idle = loss < best ? 0 : idle + 1;
      if (loss < best) [best, kept] = [loss, weights.average()];
    }
    await Promise.all([step.release(), measure.release()]);
    return kept ? { ...graph, initializers: new Map([...graph.initializers, ...kept]) } : graph;
  }

  async #makeLessons(): Promise<{ fitted: Lesson; held: Lesson }> {
    const make = async (rows: Feeds): Promise<Lesson> => {
      const { evaluate } = this.options;
      const output = this.original.outputs.find(({ dtype }) => dtype === 'float32')!.name;
      const value = scoresOf(this.original, output, this.decision);
      const n = rowCount(rows);
      const weights = rowWeights(n, await evaluate(this.original, rows), this.decision);
      const { [value]: scores } = await evaluate(this.original, rows, [value]);
      return { rows, scores, weights: Float32Array.from(weights ?? new Float32Array(n).fill(1)) };
    };
    return { fitted: await make(this.fitted), held: await make(this.held) };
  }

  /** Rows of each step: whole batches of one shuffled epoch after the other. */
  *#batches(n: number): Generator<number[], never> {
    const next = randomWords((this.options.seed ?? 0) + 1);
    const rows = Array.from({ length: n }, (_, row) => row);
    const size = Math.min(batchRows, n);
    for (;;) {
      const order = shuffled(rows, next);
      for (let first = 0; first + size <= n; first += size) yield order.slice(first, first + size);
    }
  }
}

/** What a run of a training graph is fed: some rows of a lesson, or all, and the weights. */
function feedsOf(
  graph: Graph,
  { target, weight }: TrainingGraph,
  { rows, scores, weights }: Lesson,
  some: number[] | null,
  parameters: Record<string, Tensor>,
): Feeds {
  const whole = { ...rows, [target]: scores };
  const { [target]: aim, ...inputs } = some ? takeRows(whole, some) : whole;
  const n = aim.dims[0];
  const own = some ? Float32Array.from(some, (row) => weights[row] / n) : weights.map((one) => one / n);
  const dims = [n, ...aim.dims.slice(1).map(() => 1)];
  const read = new Set(graph.nodes.flatMap((node) => node.inputs));
  const used = Object.fromEntries(Object.entries(inputs).filter(([name]) => read.has(name)));
  return { ...used, [target]: aim, [weight]: new Tensor('float32', own, dims), ...parameters };
}
