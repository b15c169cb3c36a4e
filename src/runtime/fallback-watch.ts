/** Counts the rows that a cascade gives to the original, and notices when they are more than the certificate says. */
import { KerfError } from './errors.js';

/** What happens when the rolling rate leaves the certified range. */
export type FallbackAction = 'warn' | 'dense' | 'error';

export interface FallbackOptions {
  /** Largest rate of fallback that is taken for normal; default: what the package's certificate covers. */
  readonly maxFallbackRate?: number;
  /**
   * Above it: `warn` (default) calls `onWarning` once until the rate is normal again; `dense` also runs the original
   * alone from then on; `error` makes the runs reject with FALLBACK_LIMIT.
   */
  readonly fallbackAction?: FallbackAction;
  /** Is told of drift; default: `console.warn`. */
  readonly onWarning?: (warning: KerfError) => void;
}

/** Rows after which older ones count half. */
const windowRows = 4096;

/** Standard errors, and whole rows, by which chance may exceed the rate. */
const tolerance = 3;

const actions: readonly string[] = ['warn', 'dense', 'error'];

/** Whether `fallen` of `rows` is more than a rate and chance explain. */
function isBeyond(fallen: number, rows: number, rate: number): boolean {
  return fallen > rate * rows + tolerance * Math.sqrt(rate * (1 - rate) * rows) + tolerance;
}

export class FallbackWatch {
  /** Whether the original alone runs from now on. */
  isDense = false;
  #rows = 0;
  #fallen = 0;
  #recentRows = 0;
  #recentFallen = 0;
  #isOut = false;
  readonly #limit: number;
  readonly #action: FallbackAction;
  readonly #onWarning: (warning: KerfError) => void;

  /**
   * @param certified  largest rate of fallback that the certificate covers
   * @throws OPTION_INVALID
   */
  constructor(certified: number, { maxFallbackRate, fallbackAction, onWarning }: FallbackOptions) {
    this.#limit = maxFallbackRate ?? certified;
    this.#action = fallbackAction ?? 'warn';
    this.#onWarning = onWarning ?? ((warning) => console.warn(warning.message));
    if (!(this.#limit >= 0 && this.#limit <= 1))
      throw invalid('maxFallbackRate', maxFallbackRate, 'a share from 0 to 1');
    if (!actions.includes(this.#action)) throw invalid('fallbackAction', fallbackAction, actions.join(', '));
  }

  /** Rows so far. */
  get rows(): number {
    return this.#rows;
  }

  /** Share of all rows so far that the original computed. */
  get rate(): number {
    return this.#rows === 0 ? 0 : this.#fallen / this.#rows;
  }

  /**
   * Counts a run.
   * @throws FALLBACK_LIMIT when the rolling rate is out of range and the action is `error`
   */
  count(rows: number, fallen: number): void {
    this.#rows += rows;
    this.#fallen += fallen;
    if (this.isDense) return;
    if (this.#recentRows > windowRows) {
      this.#recentRows /= 2;
      this.#recentFallen /= 2;
    }
    this.#recentRows += rows;
    this.#recentFallen += fallen;
    const wasOut = this.#isOut;
    this.#isOut = isBeyond(this.#recentFallen, this.#recentRows, this.#limit);
    if (this.#isOut) this.#act(wasOut);
  }

  #act(wasOut: boolean): void {
    const got = this.#recentFallen / this.#recentRows;
    const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
    const warning = new KerfError(
      'FALLBACK_LIMIT',
      'cascade',
      `more inputs than certified need the original network: got ${percent(got)} of the last ones, expected at most ` +
        `${percent(this.#limit)}. The inputs may have drifted: verify the package on new data, or decompose again.`,
      { got, expected: this.#limit },
    );
    if (this.#action === 'error') throw warning;
    if (this.#action === 'dense') this.isDense = true;
    if (!wasOut) this.#onWarning(warning);
  }
}

function invalid(name: string, got: unknown, expected: string): KerfError {
  return new KerfError(
    'OPTION_INVALID',
    `option "${name}"`,
    `invalid value: got ${String(got)}, expected ${expected}.`,
  );
}
