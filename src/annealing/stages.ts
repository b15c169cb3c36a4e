/** The stages that evidence proposes for one graph, from gentle to aggressive. */
import type { Evidence } from '../evidence/evidence.js';
import type { Graph } from '../graph/graph.js';
import type { Feeds, Outputs } from '../runtime/executor.js';
import { elementCount, Tensor } from '../runtime/tensor.js';
import { rowWeights } from './balance.js';
import { blockable, demandedSettings, domainSettings, entryLayers } from './block-settings.js';
import { sameWidths, shareBus } from './bus-widths.js';
import { type CascadeChooser, noMargins } from './cascade.js';
import { compareOutputs } from './comparison.js';
import { type Branch, findBranches, meanOf, meanWithoutData } from './constants.js';
import { type AnnealOptions, pricesOf } from './context.js';
import type { Decision } from './decision.js';
import { allAlike, Fitter, type Importance, type Setting } from './fit.js';
import { fisherFactors } from './gradients/index.js';
import type { Candidate } from './guard.js';
import { offersOf } from './offers.js';
import type { Domains } from './partition.js';
import type { Prices } from './prices.js';
import { replaceValue } from './rewrite.js';
import { rowCount, thinRows } from './rows.js';
import { type Fitted, type Limits, Searcher } from './search.js';
import {
  cheaperRanks,
  evidenceByLayer,
  rankSettings,
  settingAt,
  settingBetween,
  supportedUnits,
  unitsSetting,
} from './settings.js';
import { type SeenSupport, trimUnlit } from './support.js';
import { supportedRanks } from './supported-ranks.js';
import { trimExactly } from './trims.js';
import { setAside, Tuner } from './tuning/index.js';
import { unpackHeads } from './unpack.js';

/** What is tried: ranks, which can be refined, and blocks beside them. */
interface Settings {
  readonly ranks: readonly Setting[];
  readonly between: (dearer: Setting, cheaper: Setting) => Setting | null;
  readonly blocks: readonly Setting[];
}

/** More rows make no better fit, and every fit reads them all. */
const fitRows = 4096;

/** Rows on which the gradients of a narrowed network are taken anew, for each setting. */
const refreshRows = 512;

/** Proposes stages: exact trims, constants, then fitted units and ranks. */
export class Proposer {
  /** The graph after exact trims; `graph` itself where there are none. */
  readonly trimmed: Graph;
  /** Branches whose weights are all their own initialisation. */
  readonly branches: readonly Branch[];
  /** Layers that the gradients did not reach, and the operator that stopped them; known once stages were asked for. */
  blocked: ReadonlyMap<string, string> = new Map();
  readonly #rows: Feeds | null;
  readonly #tuner: Tuner | null;
  /** Names of proposed settings whose parts exchange nothing. */
  readonly #apart = new Set<string>();
  readonly #prices: Prices;

  constructor(
    readonly graph: Graph,
    readonly evidence: Evidence,
    calibration: Feeds | null,
    readonly decision: Decision,
    readonly limits: Limits,
    readonly options: AnnealOptions,
    readonly cascades: CascadeChooser | null = null,
    readonly seen: SeenSupport | null = null,
  ) {
    this.#prices = pricesOf(options);
    this.trimmed = trimExactly(graph);
    const parts = calibration && options.tune ? setAside(calibration, options.seed ?? 0) : null;
    const rows = parts?.fitted ?? calibration;
    this.#rows = rows && thinRows(rows, fitRows);
    this.#tuner = parts && new Tuner(this.trimmed, parts.fitted, parts.held, decision, options);
    const verdicts = new Map(evidence.tensors.map(({ name, verdict }) => [name, verdict]));
    const tensorOf = new Map(graph.nodes.map(({ name, inputs }) => [name, inputs[1]]));
    const isInitialisation = (layer: string) => verdicts.get(tensorOf.get(layer) ?? '') === 'initialisation';
    this.branches = findBranches(this.trimmed, isInitialisation);
  }

  /** What gives the original's bits: exact trims; the same without unlit columns, the original beside it. */
  exactStages(): readonly Candidate<Graph>[] {
    const { cost } = this.options;
    const { graph, trimmed, seen } = this;
    const trims = { name: 'exact trims', macs: cost(trimmed), value: trimmed, isExact: true };
    const stages: Candidate<Graph>[] = trimmed === graph ? [] : [trims];
    if (!seen) return stages;
    const value = trimUnlit(trimmed, seen.support);
    const macs = cost(value) + seen.missing * cost(graph);
    const fallback = { rule: noMargins, tau: 0, support: seen.support };
    if (macs < cost(trimmed))
      stages.push({ name: 'columns outside the support', macs, value, isExact: true, fallback });
    return stages;
  }

  /** Candidates for the guard; each is made only when asked for. */
  async *stages(): AsyncGenerator<Candidate<Graph>> {
    const { cost } = this.options;
    const exact = this.exactStages();
    yield* exact;
    if (this.limits.most === 0) return;
    const limit = exact.at(-1)?.macs ?? cost(this.graph);
    let constants = await this.#constants();
    if (cost(replaceValues(this.trimmed, constants)) > limit) constants = new Map();
    const base = replaceValues(this.trimmed, constants);
    if (constants.size > 0) {
      // A constant can hide that the rest was trained against the branch: an offset that decides near ties stays in it.
      // What training never used can also be left out altogether.
      const without = replaceValues(
        this.trimmed,
        new Map([...constants].map(([value, mean]) => [value, zerosLike(mean)])),
      );
      yield { ...this.#candidate('control: branches at zero', without), isControl: true };
      yield this.#candidate('constants', base);
    }
    const whole = unpackHeads(this.trimmed);
    const its = base === this.trimmed ? whole : unpackHeads(base);
    const fitter = new Fitter(its, whole, this.#rows, this.options.evaluate, await this.#importance(whole));
    const searcher = new Searcher(fitter, this.decision, this.limits, this.options, this.cascades, this.#tuner);
    const withoutUnits = await this.#unitsStage(its, searcher);
    if (withoutUnits && withoutUnits.stage.macs < limit) yield withoutUnits.stage;
    const settings = await this.#settings(fitter, withoutUnits?.units ?? new Map());
    const dearest = Math.min(this.#limitPrice(exact), withoutUnits?.stage.price ?? this.#priceOf(base));
    const found = await this.#search(searcher, settings);
    for (const candidate of found) if (candidate.price < dearest) yield candidate;
  }

  /**
   * Parts that never talk are worth more than the last bit of work: where they hold with room, nothing else is tried.
   * Demanded parts have to leave the guard room too, if any do.
   */
  async #search(searcher: Searcher, { ranks, between, blocks }: Settings): Promise<readonly Fitted[]> {
    const roomy = (list: readonly Fitted[]) => list.filter(({ rate }) => rate <= this.limits.most / 2);
    const apart = blocks.filter(({ name }) => this.#apart.has(name));
    const held = apart.length > 0 ? roomy(await searcher.search([], between, apart)) : [];
    if (held.length > 0) return held;
    const found = await searcher.search(ranks, between, blocks);
    return typeof this.options.parts === 'number' && roomy(found).length > 0 ? roomy(found) : found;
  }

  /** Blocks where parts are demanded; ranks otherwise, and blocks where the inputs fall into domains. */
  async #settings(fitter: Fitter, units: Setting['units']): Promise<Settings> {
    const { parts = 'auto', bus = 'auto', seed = 0 } = this.options;
    const { graph } = fitter;
    const none = { ranks: [], between: () => null, blocks: [] };
    if (parts === 'kept') return none;
    const domains = new Map<string, Domains>();
    for (const linear of entryLayers(graph)) {
      const found = domains.has(linear.input) ? null : await fitter.domains(linear, seed);
      if (found) domains.set(linear.input, found);
    }
    if (parts !== 'auto') {
      const widths = bus === 0 ? sameWidths : await shareBus(fitter, blockable(graph, parts));
      return { ...none, blocks: demandedSettings(graph, parts, bus, units, domains, widths) };
    }
    const split = domainSettings(graph, units, domains);
    for (const { name, blocks } of split) {
      if ([...(blocks?.values() ?? [])].every((form) => form.bus === 0)) this.#apart.add(name);
    }
    const offers = await offersOf(fitter);
    const whole = this.#priceOf(graph);
    const at = (share: number) => settingAt(offers, whole, share, units, this.#prices);
    return {
      ranks: rankSettings(at),
      between: (dearer, cheaper) => settingBetween(at, dearer, cheaper),
      blocks: split,
    };
  }

  #priceOf(graph: Graph): number {
    return this.#prices.ofGraph(graph)(this.#prices.rows);
  }

  /** What the last exact stage costs, or the original: a stage that costs as much is not worth its risk. */
  #limitPrice(exact: readonly Candidate<Graph>[]): number {
    return this.#priceOf(exact.at(-1)?.value ?? this.graph);
  }

  #candidate(name: string, graph: Graph): Candidate<Graph> {
    return { name, macs: this.options.cost(graph), value: graph };
  }

  /** Taking out unsupported units, where the calibration rows do not mind. */
  async #unitsStage(base: Graph, searcher: Searcher): Promise<{ units: Setting['units']; stage: Fitted } | null> {
    const units = supportedUnits(base, this.evidence);
    if (units.size === 0) return null;
    const stage = await searcher.measure(unitsSetting(units));
    return stage.rate <= this.limits.most / 2 ? { units, stage } : null;
  }

  /** What the weights alone allow: exact trims, constants at their mean over initialisations, supported ranks. */
  async withoutData(): Promise<Graph> {
    const base = replaceValues(this.trimmed, await this.#constants());
    const ranks = cheaperRanks(base, supportedRanks(base, evidenceByLayer(this.evidence)));
    // Of a layer that is cut to a rank, a unit carries little work, and nothing makes up for it.
    const units = new Map([...supportedUnits(base, this.evidence)].filter(([layer]) => !ranks.has(layer)));
    const fitter = new Fitter(base, this.trimmed, null, this.options.evaluate);
    return fitter.fit({ name: 'supported', units, ranks });
  }

  /** What stands for each unsupported branch; nothing where the calibration rows already speak against it. */
  async #constants(): Promise<ReadonlyMap<string, Tensor>> {
    const constants = new Map<string, Tensor>();
    for (const branch of this.branches) {
      const mean = await this.#meanOf(this.trimmed, branch);
      if (mean) constants.set(branch.value, mean);
    }
    if (constants.size === 0 || !this.#rows) return constants;
    const { evaluate } = this.options;
    const changed = replaceValues(this.trimmed, constants);
    const n = rowCount(this.#rows);
    const [before, after]: Outputs[] = [await evaluate(this.trimmed, this.#rows), await evaluate(changed, this.#rows)];
    const { seen } = compareOutputs(n, before, after, this.decision);
    return seen / n <= this.limits.most ? constants : new Map();
  }

  async #meanOf(graph: Graph, branch: Branch): Promise<Tensor<'float32'> | null> {
    if (!this.#rows) return meanWithoutData(graph, branch);
    return meanOf(branch, (await this.options.evaluate(graph, this.#rows, [branch.value]))[branch.value]);
  }

  /** Which calibration rows and which directions of layers' outputs count how much. */
  async #importance(whole: Graph): Promise<Importance> {
    const rows = this.#rows;
    if (!rows) return allAlike;
    const { evaluate, onProgress } = this.options;
    onProgress?.({ stage: 'gradients' });
    const { factors, blocked } = await fisherFactors(whole, rows, this.decision, evaluate);
    this.blocked = blocked;
    const weights = rowWeights(rowCount(rows), await evaluate(this.trimmed, rows), this.decision);
    const few = thinRows(rows, refreshRows);
    const factorsOf = async (graph: Graph) => (await fisherFactors(graph, few, this.decision, evaluate)).factors;
    return { weights, factors, factorsOf };
  }
}

function replaceValues(graph: Graph, constants: ReadonlyMap<string, Tensor>): Graph {
  return [...constants].reduce((next, [value, constant]) => replaceValue(next, value, constant), graph);
}

function zerosLike({ dims }: Tensor): Tensor {
  return new Tensor('float32', new Float32Array(elementCount(dims)), dims);
}
