import { removeTemporaryFiles } from '../model/output-file.js';
import { nextTurn } from '../runtime/next-turn.js';

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/** Ends the process with the shell's code on SIGINT and SIGTERM, without leaving temporary files. */
export function endOnSignals(): void {
  for (const [signal, exitCode] of Object.entries(exitCodes)) {
    process.once(signal, () => {
      removeTemporaryFiles();
      process.exit(exitCode);
    });
  }
}

/**
 * Lets signals that have come end the process, before something is written that its user no longer wants. Two turns, since
 * the first may be one that had looked for signals before they came.
 */
export async function heedSignals(): Promise<void> {
  await nextTurn();
  await nextTurn();
}
