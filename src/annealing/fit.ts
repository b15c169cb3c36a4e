/**
 * Carries out one setting of the menu on a graph: units go, layers become products of two, and every layer that sees
 * changed inputs is refitted against the original's outputs, from the first layer to the last.
 */
import type { Graph } from '../graph/graph.js';
import type { Feeds } from '../runtime/executor.js';
import { Tensor } from '../runtime/tensor.js';
import type { BlockForm } from './blocks.js';
import type { Evaluate } from './context.js';
import { basisOf, type HeadBasis, type HeadCut, type HeadMaps, mapSamples } from './cut-heads.js';
import { type BlockColumns, type Refitted, splitLayer } from './fit-blocks.js';
import { type Heads, headsOf } from './heads.js';
import { Sampler } from './layer-samples.js';
import { type Affine, type Moments, momentsOf, refit, refitOnPart } from './least-squares.js';
import { type LayerSpectrum, spectrumOf } from './low-rank.js';
import { type Matrix, type Samples, type Vector, widen } from './matrix.js';
import { narrowed } from './narrow.js';
import { type Domains, findDomains } from './partition.js';
import { isPlain, type Linear, layersOf, outermost, withAffine, withFactors } from './rewrite.js';
import { allOf, partOf, submatrix } from './submatrix.js';

/** One way to anneal a graph: what is done to each layer, by node name. Layers that are not named stay. */
export interface Setting {
  readonly name: string;
  /** Share of the price that it was allocated. */
  readonly share?: number;
  /** Hidden units to keep, ascending, by the layer whose outputs they are. */
  readonly units: ReadonlyMap<string, Int32Array<ArrayBuffer>>;
  /** Inputs to keep, ascending, by the layer that reads them. */
  readonly columns?: ReadonlyMap<string, Int32Array<ArrayBuffer>>;
  /** Places that each head of attention keeps, by the heads' name. */
  readonly heads?: ReadonlyMap<string, number>;
  /** Inner rank. */
  readonly ranks: ReadonlyMap<string, number>;
  /** Blocks and bus, where calibration rows suffice to fit them. */
  readonly blocks?: ReadonlyMap<string, BlockForm>;
}

/** A setting, and what its layers aim at: the outputs of those that make heads are in another basis than the original's. */
interface Task extends Setting {
  readonly maps: ReadonlyMap<string, HeadMaps>;
}

/** What counts in a fit. */
export interface Importance {
  /** One weight per calibration row, with mean 1; null where all count alike. */
  readonly weights: Vector | null;
  /** How much the network's output minds errors at a layer's output, [out, out], by layer name; absent: all alike. */
  readonly factors: ReadonlyMap<string, Matrix>;
  /** The same for a graph with fewer hidden units; absent: all alike. */
  readonly factorsOf?: (graph: Graph) => Promise<ReadonlyMap<string, Matrix>>;
}

export const allAlike: Importance = { weights: null, factors: new Map() };

/** Fewest calibration rows for a fit, as a share of the layer's inputs. */
const rowsPerInput = 1 / 3;

/** Fits settings on one graph; what does not depend on the setting is computed once. */
export class Fitter {
  readonly #spectra = new Map<string, LayerSpectrum>();
  readonly #inputs = new Map<string, { readonly moments: Moments | null; readonly positions: number }>();
  readonly #bases = new Map<string, HeadBasis | null>();
  readonly #sampler: Sampler | null;

  /**
   * @param graph  what the settings start from
   * @param original  the graph whose values the fits aim at; holds every linear layer of `graph` with as many outputs
   * @param rows  calibration rows; null for choices from the weights alone
   * @param importance  which rows and which directions of a layer's output count more
   */
  constructor(
    readonly graph: Graph,
    readonly original: Graph,
    readonly rows: Feeds | null,
    readonly evaluate: Evaluate,
    readonly importance: Importance = allAlike,
  ) {
    this.#sampler = rows && new Sampler(original, rows, evaluate, importance.weights);
  }

  /** The second moments of a layer's inputs, null where rows do not suffice, and how often it is applied to one sample. */
  async inputs(layer: Linear): Promise<{ readonly moments: Moments | null; readonly positions: number }> {
    if (!this.#sampler) return { moments: null, positions: 1 };
    const key = isPlain(layer) ? layer.input : `inputs of ${layer.name}`;
    const known = this.#inputs.get(key);
    if (known) return known;
    const { samples: x, positions } = await this.#sampler.of(this.graph, layer, 'input');
    const made = { moments: x.rows >= rowsPerInput * x.columns ? momentsOf(x) : null, positions };
    this.#inputs.set(key, made);
    return made;
  }

  /** The singular values of a layer in the metric of its own inputs, and its cuts. */
  async spectrum(linear: Linear): Promise<LayerSpectrum> {
    const known = this.#spectra.get(linear.name);
    if (known) return known;
    const { moments } = await this.inputs(linear);
    const spectrum = spectrumOf(affineOf(linear), moments, factorOf(linear, this.importance.factors));
    this.#spectra.set(linear.name, spectrum);
    return spectrum;
  }

  /**
   * Domains of a layer's inputs on the calibration rows, all of which count alike: weights that balance decisions would
   * let a few rows of rare ones join domains. Null where none show.
   */
  async domains(layer: Linear, seed: number): Promise<Domains | null> {
    if (!this.#sampler) return null;
    const { samples } = await this.#sampler.of(this.graph, layer, 'input', null);
    return samples.rows > 0 ? findDomains(momentsOf(samples), seed) : null;
  }

  /** The places of heads by what they carry; null where rows or gradients do not tell. */
  async headBasis(heads: Heads): Promise<HeadBasis | null> {
    const known = this.#bases.get(heads.name);
    if (known !== undefined) return known;
    const layer = heads.reader ?? heads.makers[0];
    const factor = factorOf(layer, this.importance.factors);
    const { moments } = await this.inputs(layer);
    const basis = factor && moments && basisOf(heads, affineOf(layer), moments, factor);
    this.#bases.set(heads.name, basis);
    return basis;
  }

  /** @returns the graph under `setting`, fitted */
  async fit(setting: Setting): Promise<Graph> {
    const { factors, factorsOf } = this.importance;
    const { graph, maps } = await this.#cutHeads(setting.heads);
    const [start, task] = [narrowed(graph, setting), { ...setting, maps }];
    if (start === this.graph) return this.#fitInTurn(start, task, factors);
    // What the remaining units have to carry is known once they have taken over the others' part.
    const whole = await this.#fitInTurn(start, { ...task, ranks: new Map(), blocks: new Map() }, factors);
    if (setting.ranks.size === 0 && !setting.blocks) return whole;
    return this.#fitInTurn(whole, task, this.rows && factorsOf ? await factorsOf(whole) : factors);
  }

  async #cutHeads(widths: Setting['heads'] = new Map()): Promise<HeadCut> {
    let cut: HeadCut = { graph: this.graph, maps: new Map() };
    if (widths.size === 0) return cut;
    for (const heads of headsOf(this.graph)) {
      const width = widths.get(heads.name);
      const next = width === undefined ? null : (await this.headBasis(heads))?.cut(cut.graph, width);
      if (next) cut = { graph: next.graph, maps: new Map([...cut.maps, ...next.maps]) };
    }
    return cut;
  }

  /** Fits layer after layer, each on what the ones before give it. */
  async #fitInTurn(start: Graph, setting: Task, factors: Importance['factors']): Promise<Graph> {
    let graph = start;
    const changed = new Set(outputsOf(start, setting.maps));
    const known: BlockColumns = new Map();
    for (const { name } of layersOf(graph)) {
      markChanged(graph, changed);
      const linear = layersOf(graph).find((candidate) => candidate.name === name) as Linear;
      const factor = factorOf(linear, factors);
      const form = setting.blocks?.get(name);
      const next = form
        ? await this.#fitBlocks(graph, linear, setting, form, factor, known)
        : await this.#fitLayer(graph, linear, setting, factor, changed.has(linear.input));
      if (next !== graph) for (const value of linear.node.outputs) if (value !== '') changed.add(value);
      graph = next;
    }
    return graph;
  }

  async #fitLayer(
    graph: Graph,
    linear: Linear,
    setting: Task,
    factor: Matrix | null,
    isInputChanged: boolean,
  ): Promise<Graph> {
    const before = layersOf(this.graph).find(({ name }) => name === linear.name) as Linear;
    if (linear.recurrence) return this.#fitRecurrence(graph, linear, before, setting);
    const isInputNarrower = linear.weight.dims[1] < before.weight.dims[1];
    const rank = cheaperRank(linear, setting.ranks.get(linear.name));
    const isWhole = linear.weight.size === before.weight.size;
    if (rank !== undefined && isWhole && !isInputChanged) {
      return withFactors(graph, linear, (await this.spectrum(linear)).cut(rank));
    }
    if (rank === undefined && !isInputChanged && !isInputNarrower) return graph;
    const fitted = (await this.#refittedOnPart(linear, setting)) ?? (await this.#refitted(graph, linear, setting));
    if (rank === undefined) return fitted ? withAffine(graph, linear, fitted.affine) : graph;
    const { affine, moments } = fitted ?? { affine: affineOf(linear), moments: null };
    return withFactors(graph, linear, spectrumOf(affine, moments, factor).cut(rank));
  }

  /** Cut on the states of the original alone: refitted on its own states a recurrence drifts away. */
  async #fitRecurrence(graph: Graph, layer: Linear, before: Linear, { ranks }: Setting): Promise<Graph> {
    const rank = cheaperRank(layer, ranks.get(layer.name));
    return rank === undefined ? graph : withFactors(graph, layer, (await this.spectrum(before)).cut(rank));
  }

  async #fitBlocks(
    graph: Graph,
    linear: Linear,
    setting: Task,
    form: BlockForm,
    factor: Matrix | null,
    known: BlockColumns,
  ): Promise<Graph> {
    const fitted = await this.#refitted(graph, linear, setting);
    return fitted ? splitLayer(graph, linear, fitted, factor, form, known) : graph;
  }

  /** The layer refitted on those of its own inputs that it keeps; null for layers behind others, whose inputs change. */
  async #refittedOnPart(linear: Linear, { units, columns, maps }: Task): Promise<Refitted | null> {
    const [before, target] = [this.graph, this.original].map((graph) =>
      outermost(graph).find(({ name }) => name === linear.name),
    );
    if (!before || target?.input !== before.input || maps.has(linear.name)) return null;
    const { moments } = await this.inputs(before);
    if (!moments) return null;
    const rows = units.get(linear.name) ?? allOf(target.weight.dims[0]);
    const kept = columns?.get(linear.name) ?? allOf(target.weight.dims[1]);
    return refitOnPart(affineOf(linear).weight, rowsAt(affineOf(target), rows), moments, kept);
  }

  /** The layer refitted on the inputs it has in `graph`; null without enough rows. */
  async #refitted(graph: Graph, linear: Linear, { units, maps }: Task): Promise<Refitted | null> {
    if (!this.#sampler) return null;
    const { samples: x } = await this.#sampler.of(graph, linear, 'input');
    if (x.rows < rowsPerInput * x.columns) return null;
    const target = layersOf(this.original).find(({ name }) => name === linear.name) as Linear;
    const { samples: y } = await this.#sampler.of(this.original, target, 'output');
    const moments = momentsOf(x);
    const start = affineOf(linear).weight;
    const map = maps.get(linear.name);
    const aim = map ? mapSamples(y, map) : columnsOf(y, units.get(linear.name));
    return { affine: refit(start, moments, x, aim), moments };
  }
}

/** What the layers that make heads in another basis write. */
function outputsOf(graph: Graph, maps: Task['maps']): readonly string[] {
  return layersOf(graph).flatMap(({ name, output }) => (maps.has(name) ? [output] : []));
}

/** A layer's factor of importance; null for one whose outputs are not those it was computed for. */
function factorOf({ name, weight }: Linear, factors: Importance['factors']): Matrix | null {
  const factor = factors.get(name);
  return factor?.rows === weight.dims[0] ? factor : null;
}

/** The rank, if it still makes the layer cheaper. */
function cheaperRank({ weight }: Linear, rank: number | undefined): number | undefined {
  const [out, inputs] = weight.dims;
  return rank !== undefined && rank * (out + inputs) < out * inputs ? rank : undefined;
}

function affineOf({ weight, bias }: Linear): Affine {
  const [rows, columns] = weight.dims;
  return {
    weight: widen(rows, columns, weight.data),
    bias: bias ? new Float64Array(bias.data) : new Float64Array(rows),
  };
}

/** The outputs at `kept` of a layer. */
function rowsAt({ weight, bias }: Affine, kept: Int32Array<ArrayBuffer>): Affine {
  return { weight: partOf(weight, kept, allOf(weight.columns)), bias: Float64Array.from(kept, (i) => bias[i]) };
}

/** The columns at `kept` of samples. */
function columnsOf(samples: Samples, kept: Int32Array<ArrayBuffer> | undefined): Samples {
  if (!kept || kept.length === samples.columns) return samples;
  const whole = new Tensor('float32', samples.data, [samples.rows, samples.columns]);
  const part = submatrix(whole, allOf(samples.rows), kept);
  return { ...samples, columns: kept.length, data: part.data };
}

/** Adds every value that is computed from a changed one. */
function markChanged(graph: Graph, changed: Set<string>): void {
  for (const node of graph.nodes) {
    if (node.inputs.some((value) => changed.has(value))) for (const value of node.outputs) changed.add(value);
  }
}
