/** The command line: reads the words, runs one command, turns its end into an exit code. */
import yargs, { type Argv } from 'yargs';
import { KerfError } from '../runtime/errors.js';
import { version } from '../version.js';
import { commands } from './commands.js';
import { describeFailure } from './failure.js';
import { refuseRepeated } from './options.js';
import { endOnSignals } from './signals.js';

const usage = `kerf <command> [options]

A model becomes a graph; tests on its weights become evidence; evidence decides the annealing;
the annealed graph falls into parts; parts become a plan; an executor runs the plan.`;

/** Stands for a lone `-`, which yargs loses where it is a positional word; no real word can hold a NUL. */
const dash = '\0-';

function restoreDashes(args: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(args)) {
    if (value === dash) args[name] = '-';
    else if (Array.isArray(value)) args[name] = value.map((word) => (word === dash ? '-' : word));
  }
}

function createParser(words: readonly string[]): Argv {
  return yargs(words.map((word) => (word === '-' ? dash : word)))
    .scriptName('kerf')
    .usage(usage)
    .parserConfiguration({ 'greedy-arrays': false, 'dot-notation': false, 'parse-numbers': false })
    .command(commands as never)
    .option('json', { type: 'boolean', global: true, describe: 'print the result as JSON' })
    .option('verbose', { type: 'boolean', global: true, describe: 'say more: reasons, the stack of an error' })
    .middleware(restoreDashes)
    .check(refuseRepeated)
    .strict()
    .demandCommand(1, 1, 'no command given', 'more than one command given')
    .recommendCommands()
    .version(version())
    .help()
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .exitProcess(false)
    .fail((message, error) => {
      throw error && error.name !== 'YError' ? error : usageFailure(error?.message ?? message);
    });
}

/** What yargs says of a wrong word, or what the check of an option said before yargs wrapped it, as a coded error. */
function usageFailure(message: string): KerfError {
  const [, option, problem] = /^(--[\w-]+): (.*)$/s.exec(message) ?? [];
  if (option) return new KerfError('USAGE', option, problem);
  return new KerfError('USAGE', 'command line', `${oneLine(message)}. Run kerf --help to see what there is.`);
}

function oneLine(message: string): string {
  return message
    .trim()
    .replace(/\s*\n\s*/g, ' ')
    .replace(/[.?]$/, '');
}

/**
 * Runs one command to its end.
 * @param words  the arguments after the program's name
 * @returns the exit code; what went wrong is already on stderr
 */
export async function runCommandLine(words: readonly string[]): Promise<number> {
  endOnSignals();
  process.stdout.on('error', (error) => process.exit(reportFailure(error, words)));
  try {
    await createParser(words).parseAsync();
    return 0;
  } catch (error) {
    return reportFailure(error, words);
  }
}

/** Says on stderr what went wrong. @returns the exit code */
function reportFailure(error: unknown, words: readonly string[]): number {
  const { text, exitCode } = describeFailure(error, words.includes('--verbose'));
  if (text) process.stderr.write(text);
  return exitCode;
}
