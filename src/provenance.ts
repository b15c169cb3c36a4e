/** Where a package came from, and how often its guard had been looked at before. */
import { createHash } from 'node:crypto';
import type { Certificate } from './annealing/annealing.js';
import { hashRows } from './annealing/rows.js';
import { costTableOf } from './cost-table.js';
import type { DecomposeOptions } from './decompose-options.js';
import type { Model } from './graph/graph.js';
import type { PackageSource } from './package/package.js';
import { pricedBatch } from './prices.js';
import { version } from './version.js';

/** What an earlier package says of itself; nothing in it is trusted further than this. */
export interface EarlierPackage {
  readonly certificate: object | null;
  readonly source: object;
}

/** Lower-case hex SHA-256 of clusters or labels. */
function hashList(groups: ArrayLike<string | number | bigint>): string {
  return createHash('sha256')
    .update(JSON.stringify(Array.from(groups, String)))
    .digest('hex');
}

/** What structures were compared by: the hash of a cost table, and the rows of the calls. */
function recordCosts({ costs, batch = pricedBatch }: DecomposeOptions): Record<string, unknown> {
  const table = costTableOf(costs);
  return table ? { costs: table.hash, batch } : { costs: 'work' };
}

/** The options as a package records them: data by hash, never a path. */
function recordOptions(options: DecomposeOptions): Record<string, unknown> {
  const {
    init = 'auto',
    fdr = 0.05,
    calibration,
    guard,
    groups,
    labels,
    maxDisagreement = 0.005,
    confidence = 0.95,
  } = options;
  return {
    init: typeof init === 'string' ? init : hashRows(Object.fromEntries(init)),
    fdr,
    maxDisagreement,
    exact: options.exact ?? false,
    tune: options.tune ?? 0,
    confidence,
    decision: options.decision ?? 'auto',
    parts: options.parts ?? 'auto',
    bus: options.bus ?? 'auto',
    cascade: options.cascade ?? 'auto',
    weights: options.weights ?? 'f32',
    calibration: calibration ? hashRows(calibration) : null,
    guard: guard ? hashRows(guard) : null,
    groups: groups ? hashList(groups) : null,
    labels: labels ? hashList(labels) : null,
    ...recordCosts(options),
  };
}

export function sourceOf(model: Model, options: DecomposeOptions): PackageSource {
  const { seed = 0 } = options;
  return { model: model.sha256, tool: `kerf ${version()}`, options: recordOptions(options), seed };
}

/**
 * A certificate that counts how often its guard is known to have been used before. The same model under the same options
 * is the same look at the guard: it gives the same package.
 */
export function countEarlierUses(
  certificate: Certificate,
  source: PackageSource,
  earlier: EarlierPackage | null | undefined,
): Certificate {
  const before = (earlier?.certificate ?? {}) as { guardHash?: unknown; earlierUses?: unknown };
  if (certificate.guardHash === null || before.guardHash !== certificate.guardHash) return certificate;
  const uses = Number.isSafeInteger(before.earlierUses) ? Math.max(0, before.earlierUses as number) : 0;
  const earlierUses = uses + (JSON.stringify(earlier?.source) === JSON.stringify(source) ? 0 : 1);
  if (earlierUses === 0) return certificate;
  const statement = `${certificate.statement} The guard was used before, ${earlierUses} time${earlierUses === 1 ? '' : 's'}: the bound holds for choices made without it.`;
  return { ...certificate, earlierUses, statement };
}
