/** A kerf package in memory: what one `.kerf` file holds. */
import type { Certificate } from '../annealing/annealing.js';
import type { Cascade } from '../runtime/cascade.js';
import type { Plan } from '../runtime/plan.js';

/** Where a package came from: never a path or a time, so that the same input gives the same bytes. */
export interface PackageSource {
  /** SHA-256 of the model. */
  readonly model: string;
  readonly tool: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly seed: number;
}

export interface Package {
  readonly plan: Plan;
  /** The original and when it runs; without it, `plan` computes every row. */
  readonly cascade?: Cascade | null;
  readonly certificate: Certificate | null;
  readonly source: PackageSource;
}
