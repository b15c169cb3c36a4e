/**
 * Every error that kerf throws on purpose: one class, a stable code, one sentence.
 * The sentence has the form `where: what is wrong: got X, expected Y. What to do.`
 */

import { exitCodeOf } from '#exit-codes';
import type { errorCodes } from './exit-codes.js';

/** Stable error codes, see exit-codes.ts. */
export type ErrorCode = keyof typeof errorCodes;

/** An error with a stable `code`, the place it speaks of, and the numbers as fields. */
export class KerfError extends Error {
  override readonly name = 'KerfError';

  /**
   * @param code  stable code, one of {@link errorCodes}
   * @param where  what the sentence is about: `node "fc1" (MatMul)`, `input "x"`, `--threads`
   * @param problem  what is wrong, with got and expected, closed by what to do
   * @param details  the numbers of the sentence, for programs
   */
  constructor(
    readonly code: ErrorCode,
    readonly where: string,
    problem: string,
    readonly details: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(`${where}: ${problem}`, options);
  }

  /** The exit code of the command line for this error; 1 in `kerf/runtime`, which has none. */
  get exitCode(): number {
    return exitCodeOf(this.code);
  }
}
