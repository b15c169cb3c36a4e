import { removeTemporaryFiles } from '../model/output-file.js';

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
