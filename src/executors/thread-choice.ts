/** Whether a run is faster on one thread or on all: measured, since it depends on what else the machine does. */
export type Threads = 'one' | 'all';

/**
 * A trial: runs in a row, since alternating would make small runs look slower than they are; of short ones many, since on
 * all threads the first 10 or so wake them, fill their caches and are slow.
 */
const trial = { least: 3, most: 24, ms: 6 };

/**
 * Runs from a trial of what is not kept to the next, at first and at most: they double, so that the slower choice costs
 * about a hundredth of the time. Short runs are tried again sooner: the first hundreds run code that the host has not
 * optimised yet.
 */
const usual = { first: 128, most: 256 };
const short = { first: 96, most: 1024 };
const shortMs = 1;

/** From this long on, threads pay wherever there are tasks for them, and a trial of one thread would be felt. */
const surelyPaysMs = 20;

/** How far a run moves the known time of its choice: towards the median, whatever a single run was interrupted by. */
const step = 1 / 32;

/** What is kept is compared with the other anew once it takes this much longer than the other did. */
const isSlower = 1.05;

const otherOf: Readonly<Record<Threads, Threads>> = { one: 'all', all: 'one' };

/** The measurements of one batch size. */
export class ThreadChoice {
  /** Known times in milliseconds. */
  readonly #ms = { one: Number.POSITIVE_INFINITY, all: Number.POSITIVE_INFINITY };
  #kept: Threads = 'all';
  /** The choice on trial; at first all threads, then one. */
  #tried: Threads | null = 'all';
  #trialMs: number[] = [];
  /** Runs since the last trial, and from one trial to the next. */
  #runs = 0;
  #interval = 0;

  /** The choice for the next run: what is on trial, else the faster. */
  choose(): Threads {
    return this.#tried ?? this.#kept;
  }

  /** Tells how long the run took that {@link choose} was asked for. */
  record(threads: Threads, durationMs: number): void {
    if (this.#tried !== null) {
      if (threads === this.#tried) this.#recordTrial(threads, durationMs);
      return;
    }
    if (threads !== this.#kept) return;
    this.#ms[threads] *= durationMs > this.#ms[threads] ? 1 + step : 1 - step;
    this.#runs++;
    const other = otherOf[threads];
    const isDue = this.#runs >= this.#interval;
    const isOvertaken = this.#runs >= 4 * this.#trialMs.length && this.#ms[threads] > isSlower * this.#ms[other];
    if (isDue || isOvertaken) this.#try(other);
  }

  /** Of a trial the second half counts: what it has to wake or to load is ready then. */
  #recordTrial(tried: Threads, durationMs: number): void {
    this.#trialMs.push(durationMs);
    const runs = this.#trialMs.length;
    const spentMs = this.#trialMs.reduce((sum, ms) => sum + ms, 0);
    if (runs < trial.least || (runs < trial.most && spentMs < trial.ms)) return;
    const half = this.#trialMs.slice(this.#trialMs.length >> 1).sort((a, b) => a - b);
    this.#ms[tried] = half[(half.length - 1) >> 1];
    this.#tried = null;
    this.#runs = 0;
    if (this.#ms.one === Number.POSITIVE_INFINITY) {
      this.#try('one');
      return;
    }
    const faster = this.#ms.one < this.#ms.all ? 'one' : 'all';
    const { first, most } = this.#measured;
    // After a change the next look comes soon again.
    this.#interval = this.#interval === 0 || faster !== this.#kept ? first : Math.min(most, 2 * this.#interval);
    this.#kept = faster;
  }

  #try(threads: Threads): void {
    this.#runs = 0;
    this.#trialMs = [];
    this.#tried = threads === 'one' && this.#ms.all >= surelyPaysMs ? null : threads;
  }

  get #measured() {
    return Math.min(this.#ms.one, this.#ms.all) < shortMs ? short : usual;
  }
}
