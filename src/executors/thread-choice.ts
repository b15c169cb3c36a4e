/** Whether a run is faster on one thread or on all: measured, since it depends on what else the machine does. */
export type Threads = 'one' | 'all';

/**
 * Runs of one choice that are measured in a row, since alternating would make small runs look slower than they are; and
 * runs after which both choices are measured again, so that the slower one costs about a hundredth of the time.
 */
const usual = { block: 3, first: 256, cycle: 256 };

/**
 * The same of runs below a millisecond: on all threads the first 10 or so wake them, fill their caches and are slow, and the
 * first hundreds run code that the host has not optimised yet, so that the first cycle is shorter.
 */
const short = { block: 24, first: 384, cycle: 1024 };
const shortMs = 1;

/** From this long on, threads pay wherever there are tasks for them, and a try of one thread would be felt. */
const surelyPaysMs = 20;

/** The measurements of one batch size. */
export class ThreadChoice {
  #runs = 0;
  #isFirst = true;
  #bestMs = { one: Number.POSITIVE_INFINITY, all: Number.POSITIVE_INFINITY };

  /** The choice for the next run: all threads for a block, one for a block, then the faster. */
  choose(): Threads {
    const { block, first, cycle } = this.#measured;
    if (this.#runs >= (this.#isFirst ? first : cycle)) {
      this.#runs = 0;
      this.#isFirst = false;
      this.#bestMs = { one: Number.POSITIVE_INFINITY, all: Number.POSITIVE_INFINITY };
    }
    const { one, all } = this.#bestMs;
    if (this.#runs < block) return 'all';
    if (this.#runs < 2 * block && all < surelyPaysMs) return 'one';
    return one < all ? 'one' : 'all';
  }

  /** How long both choices are measured, and how often. */
  get #measured() {
    return this.#bestMs.all < shortMs ? short : usual;
  }

  /** Tells how long the run took that {@link choose} was asked for. */
  record(threads: Threads, durationMs: number): void {
    this.#runs++;
    this.#bestMs[threads] = Math.min(this.#bestMs[threads], durationMs);
  }
}
