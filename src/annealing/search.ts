/** Turns settings into guard stages: fits each, measures it on the calibration rows, keeps what pays. */
import type { Outputs } from '../runtime/executor.js';
import type { CascadeChooser, Fitted } from './cascade.js';
import { compareOutputs } from './comparison.js';
import { type AnnealOptions, throwIfAborted } from './context.js';
import type { Decision } from './decision.js';
import type { Fitter, Setting } from './fit.js';
import { rowCount } from './rows.js';

export type { Fitted } from './cascade.js';

/** After this many settings in a row that are plainly too rough, and no cheaper in a cascade, rougher ones are not tried. */
const patience = 3;

/** Fits settings and measures them on the calibration rows. */
export class Searcher {
  #before: Outputs | null = null;

  constructor(
    readonly fitter: Fitter,
    readonly decision: Decision,
    /** Largest share of calibration rows that may differ. */
    readonly limit: number,
    readonly options: AnnealOptions,
    /** Offers cascades of what is fitted; null when there are none to offer. */
    readonly cascades: CascadeChooser | null = null,
  ) {}

  async measure(setting: Setting): Promise<Fitted> {
    return (await this.#measure(setting))[0];
  }

  /** The setting alone, and its cascades. */
  async #measure(setting: Setting): Promise<[alone: Fitted, ...cascades: Fitted[]]> {
    const { evaluate, cost } = this.options;
    const { rows, original } = this.fitter;
    const graph = await this.fitter.fit(setting);
    const fitted = { name: setting.name, macs: cost(graph), value: graph, rate: 0 };
    if (!rows) return [fitted];
    this.#before ??= await evaluate(original, rows);
    const n = rowCount(rows);
    const after = await evaluate(graph, rows);
    const { seen, differs } = compareOutputs(n, this.#before, after, this.decision);
    const alone = { ...fitted, rate: seen / n };
    return [alone, ...(this.cascades?.offers(alone, after, differs) ?? [])];
  }

  /**
   * Fits the settings and orders the worthwhile ones from gentle to aggressive.
   * A setting is dropped when another one is as cheap and, on the calibration rows, as true.
   */
  async search(settings: readonly Setting[]): Promise<readonly Fitted[]> {
    const { signal, onProgress } = this.options;
    const fitted: Fitted[] = [];
    let failures = 0;
    let cheapest = Number.POSITIVE_INFINITY;
    for (const [done, setting] of settings.entries()) {
      throwIfAborted(signal);
      onProgress?.({ stage: `fit ${setting.name}`, done, total: settings.length });
      const [alone, ...cascades] = await this.#measure(setting);
      fitted.push(...(this.cascades?.isDemanded ? [] : [alone]), ...cascades);
      const cost = cascades.reduce((least, { macs }) => Math.min(least, macs), Number.POSITIVE_INFINITY);
      failures = alone.rate > 2 * this.limit && cost >= cheapest ? failures + 1 : 0;
      cheapest = Math.min(cheapest, cost);
      if (failures === patience) break;
    }
    // Without rows nothing tells how rough a setting is; the guard then takes them as they come.
    return this.fitter.rows ? paretoPath(fitted, this.limit) : fitted.sort((a, b) => b.macs - a.macs);
  }
}

/** From the dearest to the cheapest, each one truer than all cheaper ones. */
export function paretoPath<T extends { readonly macs: number; readonly rate: number }>(
  fitted: readonly T[],
  limit: number,
): readonly T[] {
  const path: T[] = [];
  let best = Number.POSITIVE_INFINITY;
  for (const candidate of [...fitted].sort((a, b) => a.macs - b.macs || a.rate - b.rate)) {
    if (candidate.rate > limit || candidate.rate >= best) continue;
    best = candidate.rate;
    path.unshift(candidate);
  }
  return path;
}
