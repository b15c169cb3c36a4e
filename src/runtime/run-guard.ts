import { KerfError } from './errors.js';
import type { RunOptions } from './executor.js';

/** The error of a run that its caller cancelled. */
export function aborted(signal: AbortSignal): KerfError {
  return new KerfError(
    'ABORTED',
    'run',
    'the caller cancelled it. Run again when wanted.',
    {},
    { cause: signal.reason },
  );
}

/** The error of a run that took longer than its caller allows. */
export function timedOut(timeoutMs: number): KerfError {
  return new KerfError('TIMEOUT', 'run', `it took too long: got more than ${timeoutMs} ms. Raise timeoutMs.`, {
    expected: timeoutMs,
  });
}

/** What is left of a limit of time, in milliseconds, of which a run is only a part. @throws TIMEOUT when nothing is */
export function timeLeft(timeoutMs: number, startMs: number): number {
  const left = timeoutMs - (performance.now() - startMs);
  if (left > 0) return left;
  throw timedOut(timeoutMs);
}

/** Reads a run's signal and limit of time; {@link check} is called between slices. */
export class RunGuard {
  readonly #options: RunOptions;
  readonly #deadlineMs: number;

  /** A guard for a run; one for all where nothing limits it. */
  static of(options: RunOptions): RunGuard {
    return options.signal === undefined && options.timeoutMs === undefined ? idle : new RunGuard(options);
  }

  constructor(options: RunOptions) {
    const { timeoutMs = Number.POSITIVE_INFINITY } = options;
    this.#options = options;
    this.#deadlineMs = timeoutMs < Number.POSITIVE_INFINITY ? performance.now() + timeoutMs : timeoutMs;
  }

  /** Whether nothing could end the run early. */
  get isIdle(): boolean {
    return this === idle;
  }

  /** Node takes a millisecond to load the clock, so it is not asked where there is no limit. */
  get #isLate(): boolean {
    return this.#deadlineMs < Number.POSITIVE_INFINITY && performance.now() > this.#deadlineMs;
  }

  /** Whether {@link check} would throw. */
  get isOver(): boolean {
    return this.#options.signal?.aborted === true || this.#isLate;
  }

  /** @throws ABORTED, TIMEOUT */
  check(): void {
    if (this.#options.signal?.aborted) throw aborted(this.#options.signal);
    if (this.#isLate) throw timedOut(this.#options.timeoutMs!);
  }
}

const idle = new RunGuard({});
