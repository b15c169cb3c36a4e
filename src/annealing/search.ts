/** Turns settings into guard stages: fits each, measures it on the calibration rows, looks closer where it pays. */
import type { Outputs } from '../runtime/executor.js';
import type { CascadeChooser, Fitted } from './cascade.js';
import { compareOutputs } from './comparison.js';
import { type AnnealOptions, pricesOf, throwIfAborted } from './context.js';
import type { Decision } from './decision.js';
import type { Fitter, Setting } from './fit.js';
import type { Prices } from './prices.js';
import { rowCount } from './rows.js';
import type { Tuner } from './tuning/index.js';

export type { Fitted } from './cascade.js';

/** After this many settings in a row that are plainly too rough, and no cheaper in a cascade, rougher ones are not tried. */
const patience = 3;

/** Settings that are tried between the best one and its neighbours. */
const closerLooks = 8;

/** Neighbours whose price differs by less than this factor have nothing worth trying between them. */
const closest = 1.03;

/** Share of what may differ at which a setting is gentle enough: gentler ones need not be tried. */
const surely = 1 / 4;

/** What the calibration rows have to show. */
export interface Limits {
  /** Largest share of rows that may differ. */
  readonly most: number;
  /** The share at which a guard of the size there is would still pass. */
  readonly aim: number;
}

/** A setting and everything it offers: itself, and its cascades. */
interface Tried {
  readonly setting: Setting;
  readonly alone: Fitted;
  readonly cascades: readonly Fitted[];
}

/** Fits settings and measures them on the calibration rows. */
export class Searcher {
  #before: Outputs | null = null;
  readonly #prices: Prices;

  constructor(
    readonly fitter: Fitter,
    readonly decision: Decision,
    readonly limits: Limits,
    readonly options: AnnealOptions,
    /** Offers cascades of what is fitted; null when there are none to offer. */
    readonly cascades: CascadeChooser | null = null,
    /** Tunes what is fitted; null for not at all. */
    readonly tuner: Tuner | null = null,
  ) {
    this.#prices = pricesOf(options);
  }

  async measure(setting: Setting): Promise<Fitted> {
    return (await this.#try(setting)).alone;
  }

  async #try(setting: Setting): Promise<Tried> {
    const { evaluate, cost, signal, onProgress } = this.options;
    throwIfAborted(signal);
    onProgress?.({ stage: `fit ${setting.name}` });
    const { rows, original } = this.fitter;
    const untuned = await this.fitter.fit(setting);
    const graph = this.tuner ? await this.tuner.tune(untuned, setting.name) : untuned;
    const price = this.#prices.ofGraph(graph)(this.#prices.rows);
    const fitted = {
      name: graph === untuned ? setting.name : `${setting.name}, tuned`,
      macs: cost(graph),
      price,
      value: graph,
      rate: 0,
    };
    if (!rows) return { setting, alone: fitted, cascades: [] };
    this.#before ??= await evaluate(original, rows);
    const n = rowCount(rows);
    const after = await evaluate(graph, rows);
    const { seen, differs } = compareOutputs(n, this.#before, after, this.decision);
    const alone = { ...fitted, rate: seen / n };
    return { setting, alone, cascades: this.cascades?.offers(alone, after, differs) ?? [] };
  }

  /**
   * Fits the settings, then others between the best one and its neighbours, and orders the worthwhile ones from gentle to
   * aggressive: the closer to the limit, the finer. A setting is dropped when another one is as cheap and, on the
   * calibration rows, as true.
   * @param settings  from gentle to aggressive
   * @param between  a setting between two of them, if there is one
   * @param others  tried in their order beside them
   */
  async search(
    settings: readonly Setting[],
    between: (dearer: Setting, cheaper: Setting) => Setting | null = () => null,
    others: readonly Setting[] = [],
  ): Promise<readonly Fitted[]> {
    const beside = await this.#tryRougher(others);
    const tried = await this.#tryInTurn(settings);
    for (let look = 0; look < closerLooks && this.fitter.rows; look++) {
      const gap = this.#widestGap(tried);
      const setting = gap && between(tried[gap - 1].setting, tried[gap].setting);
      if (!setting) break;
      tried.splice(gap, 0, await this.#try(setting));
    }
    const families = [...beside, ...tried].map((one) => this.#offersOf(one));
    // Without rows nothing tells how rough a setting is; the guard then takes them as they come.
    if (!this.fitter.rows) return families.flat().sort((a, b) => b.price - a.price);
    return paretoPath(this.#nested(families) ?? families.flat(), this.limits.most);
  }

  /**
   * The offers of one network, where the best of all is a cascade: the rows that fall back at one threshold hold those of
   * every lower one, so that each stage differs wherever the one before does, and the first failure is the last word.
   */
  #nested(families: readonly (readonly Fitted[])[]): readonly Fitted[] | undefined {
    const best = cheapestOf(families.flat().filter(({ rate }) => rate <= this.limits.aim));
    return best?.fallback && families.find((family) => family.includes(best));
  }

  /**
   * Tries settings from the middle on: to the rougher end until they are plainly too rough, then to the gentler one until
   * one is so true that the guard will hardly refuse it.
   */
  async #tryInTurn(settings: readonly Setting[]): Promise<Tried[]> {
    const middle = this.fitter.rows ? settings.length >> 1 : 0;
    const tried = await this.#tryRougher(settings.slice(middle));
    for (let at = middle - 1; at >= 0; at--) {
      if (this.#offersOf(tried[0]).some(({ rate }) => rate <= this.limits.aim * surely)) break;
      tried.unshift(await this.#try(settings[at]));
    }
    return tried;
  }

  async #tryRougher(settings: readonly Setting[]): Promise<Tried[]> {
    const tried: Tried[] = [];
    let failures = 0;
    let cheapest = Number.POSITIVE_INFINITY;
    for (const setting of settings) {
      const one = await this.#try(setting);
      tried.push(one);
      const cost = cheapestOf(one.cascades)?.price ?? Number.POSITIVE_INFINITY;
      failures = one.alone.rate > 2 * this.limits.most && cost >= cheapest ? failures + 1 : 0;
      cheapest = Math.min(cheapest, cost);
      if (failures === patience) break;
    }
    return tried;
  }

  #offersOf({ alone, cascades }: Tried): readonly Fitted[] {
    return this.cascades?.isDemanded ? cascades : [alone, ...cascades];
  }

  /** The end of the widest gap beside the cheapest setting that the guard should pass; 0 when all are narrow. */
  #widestGap(tried: readonly Tried[]): number {
    const costs = tried.map(
      (one) =>
        cheapestOf(this.#offersOf(one).filter(({ rate }) => rate <= this.limits.aim))?.price ??
        Number.POSITIVE_INFINITY,
    );
    const best = costs.indexOf(Math.min(...costs));
    const ratio = (end: number) =>
      end < 1 || end >= tried.length ? 1 : tried[end - 1].alone.price / Math.max(1, tried[end].alone.price);
    // On the gentler side too: the guard may refuse what the calibration rows, on which it was fitted, let pass.
    const end = ratio(best) > ratio(best + 1) ? best : best + 1;
    return ratio(end) > closest ? end : 0;
  }
}

function cheapestOf(fitted: readonly Fitted[]): Fitted | undefined {
  return fitted.reduce<Fitted | undefined>(
    (least, one) => (least && least.price <= one.price ? least : one),
    undefined,
  );
}

/** From the dearest to the cheapest, each one truer than all cheaper ones. */
export function paretoPath<T extends { readonly price: number; readonly rate: number }>(
  fitted: readonly T[],
  limit: number,
): readonly T[] {
  const path: T[] = [];
  let best = Number.POSITIVE_INFINITY;
  for (const candidate of [...fitted].sort((a, b) => a.price - b.price || a.rate - b.rate)) {
    if (candidate.rate > limit || candidate.rate >= best) continue;
    best = candidate.rate;
    path.unshift(candidate);
  }
  return path;
}
