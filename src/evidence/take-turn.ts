/** Lets an analysis be interrupted between two computations that cannot be. */
import { setImmediate } from 'node:timers/promises';
import { KerfError } from '../runtime/errors.js';

/** @throws ABORTED once the signal is raised */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new KerfError('ABORTED', 'analyze', 'cancelled by the caller.');
}

/**
 * Lets the event loop turn, so that timers, signals and the caller's own work go on.
 * @throws ABORTED once the signal is raised
 */
export async function takeTurn(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  checkSignal(signal);
}
