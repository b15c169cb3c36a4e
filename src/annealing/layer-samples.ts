/**
 * What layers read and write on the calibration rows, as rows of numbers. Of a convolution these are windows, of a layer
 * that is applied at many positions its rows, at places that are drawn once for each sample: the same for inputs and
 * outputs, and for every setting.
 */
import { analysisKernels } from '../evidence/analysis.js';
import type { Graph } from '../graph/graph.js';
import { asThreeAxes, type Windows, windowsOf } from '../graph/operators/windows.js';
import type { Feeds } from '../runtime/executor.js';
import { elementCount, Tensor, type TensorData } from '../runtime/tensor.js';
import { asSamples, type Evaluate } from './context.js';
import type { Samples, Vector } from './matrix.js';
import { drawPlaces, PositionSampler, placesOf, positionsOf } from './position-samples.js';
import { sampleTimes } from './recurrent-samples.js';
import { type Linear, layersOf } from './rewrite.js';
import { chunksOf, rowCount } from './rows.js';

/** Elements of the original's values that are kept between settings: 256 MiB. */
const largestTargets = 2 ** 26;

/** Windows that a fit of a convolution takes at most, and their elements: 256 MiB. */
const mostWindows = 2 ** 15;
const mostWindowElements = 2 ** 26;

/** Samples whose images are looked at together: what windows are cut from is as large as all activations of a layer. */
const imageRows = 256;

/** Samples of a layer, and how often the layer is applied to one row of data. */
export interface LayerSamples {
  readonly samples: Samples;
  readonly positions: number;
}

export type Side = 'input' | 'output';

/** Looks at the inputs and outputs of layers. */
export class Sampler {
  /** The original's outputs on the calibration rows, which every setting aims at. */
  readonly #targets = new Map<string, Tensor>();
  readonly #drawn = new Map<string, LayerSamples>();
  #positions: Promise<ReadonlyMap<string, number>> | null = null;
  #targetElements = 0;
  readonly #ofOriginal: PositionSampler;
  readonly #ofOthers: PositionSampler;

  /** @param weights  one for each row; null where all count alike */
  constructor(
    readonly original: Graph,
    readonly rows: Feeds,
    readonly evaluate: Evaluate,
    readonly weights: Vector | null,
  ) {
    this.#ofOriginal = new PositionSampler(rows, evaluate);
    this.#ofOthers = new PositionSampler(rows, evaluate);
  }

  /**
   * @param graph  that holds the layer
   * @param weights  of the rows, where they are not the sampler's own
   */
  async of(graph: Graph, layer: Linear, side: Side, weights = this.weights): Promise<LayerSamples> {
    if (layer.recurrence) return sampleTimes(graph, layer, this.rows, this.evaluate, weights);
    if (layer.kernel) {
      const key = `${side} of ${layer.name}`;
      return this.#kept(graph, key, weights, () => this.#cutWindows(graph, layer, side, weights));
    }
    this.#positions ??= positionsOf(this.original, this.rows, this.evaluate);
    const positions = (await this.#positions).get(layer.name) ?? 1;
    if (!(positions > 1)) return { samples: asSamples(await this.#value(graph, layer[side]), weights), positions };
    const places = placesOf(rowCount(this.rows), positions, this.#originalColumns(layer));
    const key = `${places.samples} x ${places.perSample} of ${layer[side]}`;
    const sampler = graph === this.original ? this.#ofOriginal : this.#ofOthers;
    return this.#kept(graph, key, weights, () => sampler.of(graph, layer, side, places, weights));
  }

  async #value(graph: Graph, value: string): Promise<Tensor> {
    // Without a prototype: a value may be named like a member that every object has.
    const rows: Feeds = Object.assign(Object.create(null), this.rows);
    const known = rows[value] ?? (graph === this.original ? this.#targets.get(value) : undefined);
    if (known) return known;
    const tensor = (await this.#behindImages(graph, value)) ?? (await this.evaluate(graph, rows, [value]))[value];
    if (graph === this.original && this.#targetElements + tensor.size <= largestTargets) {
      this.#targets.set(value, tensor);
      this.#targetElements += tensor.size;
    }
    return tensor;
  }

  /** A value of all samples, some at a time, each from what is known of the layers before. */
  async *#pieces(graph: Graph, value: string): AsyncGenerator<{ readonly first: number; readonly piece: Tensor }> {
    const n = rowCount(this.rows);
    const sampler = graph === this.original ? this.#ofOriginal : this.#ofOthers;
    for (const { first, end } of chunksOf(graph, n, imageRows)) {
      yield { first, piece: await sampler.frontier(n, first, end).of(graph, value) };
    }
  }

  /** A value [samples, columns] behind convolutions, which are not to run again for each layer; null for another. */
  async #behindImages(graph: Graph, value: string): Promise<Tensor | null> {
    const n = rowCount(this.rows);
    if (!layersOf(graph).some(({ kernel }) => kernel)) return null;
    let data: Float32Array<ArrayBuffer> | null = null;
    let width = 0;
    for await (const { first, piece } of this.#pieces(graph, value)) {
      const { type, dims } = piece;
      const isPart = dims.length === 2 && dims[0] === Math.min(imageRows, n - first);
      if (type !== 'float32' || !isPart) return null;
      width = dims[1];
      data ??= new Float32Array(n * width);
      data.set(piece.data as Float32Array, first * width);
    }
    return data && new Tensor('float32', data, [n, width]);
  }

  /** What is drawn of the original is drawn once. */
  async #kept(graph: Graph, key: string, weights: Vector | null, draw: () => Promise<LayerSamples>) {
    const isKept = graph === this.original && weights === this.weights;
    const known = isKept ? this.#drawn.get(key) : undefined;
    if (known) return known;
    const made = await draw();
    if (isKept && this.#targetElements + made.samples.data.length <= largestTargets) {
      this.#drawn.set(key, made);
      this.#targetElements += made.samples.data.length;
    }
    return made;
  }

  async #cutWindows(graph: Graph, layer: Linear, side: Side, weights: Vector | null) {
    const n = rowCount(this.rows);
    let cut: Cut | null = null;
    let data = new Float32Array(0);
    for await (const { first, piece } of this.#pieces(graph, layer[side])) {
      cut ??= this.#cutOf(layer, side, piece, n);
      data = data.length > 0 ? data : new Float32Array(n * cut.perImage * cut.columns);
      data.set(rowsOf(piece, cut, first), first * cut.perImage * cut.columns);
    }
    const { perImage, columns, positions } = cut as Cut;
    const flat = { dims: [n * perImage, columns], size: data.length, data } as unknown as Tensor;
    return { samples: asSamples(flat, weights), positions };
  }

  /** Where windows are cut: of a side's images, at the places that the layer's sizes in the original lead to. */
  #cutOf(layer: Linear, side: Side, { dims }: Tensor, n: number): Cut {
    const [, channels, ...sizes] = dims;
    const isInput = side === 'input';
    const windows = isInput ? windowsOf(layer.node, sizes, layer.kernel as readonly number[]) : pointsOf(sizes);
    const positions = elementCount(windows.output);
    const taps = this.#originalColumns(layer);
    const perImage = Math.min(positions, Math.ceil(Math.min(mostWindows, mostWindowElements / taps) / n));
    const places = drawPlaces(n, positions, perImage);
    return { channels, windows, positions, perImage, places, columns: channels * elementCount(windows.kernel) };
  }

  #originalColumns({ name, weight: own }: Linear): number {
    const node = this.original.nodes.find((one) => one.name === name);
    const weight = (node && this.original.initializers.get(node.inputs[1])) ?? own;
    return weight.size / weight.dims[0];
  }
}

interface Cut {
  readonly channels: number;
  readonly windows: Windows;
  /** Places of an image, and how many of them are looked at. */
  readonly positions: number;
  readonly perImage: number;
  readonly places: Int32Array<ArrayBuffer>;
  readonly columns: number;
}

/** Each element of an image as a window of its own. */
function pointsOf(sizes: readonly number[]): Windows {
  const [zeros, ones] = [sizes.map(() => 0), sizes.map(() => 1)];
  return { input: sizes, output: sizes, kernel: ones, strides: ones, dilations: ones, begins: zeros, ends: zeros };
}

/** The windows of some images, the first of which is number `first` of all. */
function rowsOf(images: Tensor, cut: Cut, first: number): TensorData<'float32'> {
  const { kernels, workspace } = analysisKernels();
  const { input, kernel, strides, dilations, begins, output } = asThreeAxes(cut.windows);
  const { perImage, columns, channels } = cut;
  const n = images.dims[0];
  return workspace.scope(() => {
    const x = workspace.copyIn('float32', images.data as TensorData<'float32'>);
    const places = workspace.copyIn('int32', cut.places.slice(first * perImage, (first + n) * perImage));
    const rows = workspace.allocate('float32', n * perImage * columns);
    kernels.f32_window_rows(
      ...([n, channels, input[1], input[2], kernel[1], kernel[2], strides[1], strides[2]] as const),
      ...([dilations[1], dilations[2], begins[1], begins[2], output[2], perImage] as const),
      ...([places.ptr, x.ptr, rows.ptr] as const),
    );
    return workspace.copyOut(rows);
  });
}
