/** Options that several commands share, and the checks that turn a word into a value. */
import type { Options } from 'yargs';
import { KerfError } from '../runtime/errors.js';

const repeatable = new Set(['input', 'i']);

/** Refuses an option given twice where one value is meant. */
export function refuseRepeated(args: Record<string, unknown>): true {
  for (const [name, value] of Object.entries(args)) {
    if (Array.isArray(value) && name !== '_' && !repeatable.has(name)) {
      throw usageError(`--${name}`, `is given ${value.length} times, expected once. Keep one.`);
    }
  }
  return true;
}

export function usageError(where: string, problem: string): KerfError {
  return new KerfError('USAGE', where, problem);
}

/** Of commands that run a session. */
export const revectorizeOption = {
  type: 'boolean',
  default: false,
  describe: "use V8's experimental 256-bit vectors; kerf doctor says whether they pay here",
} as const;

interface Range {
  readonly minimum: number;
  readonly maximum: number;
  readonly integer?: boolean;
  /** Whether the limits themselves are refused. */
  readonly open?: boolean;
}

function isWithin(value: number, { minimum, maximum, integer, open }: Range): boolean {
  if (integer && !Number.isInteger(value)) return false;
  return open ? value > minimum && value < maximum : value >= minimum && value <= maximum;
}

function describeRange({ minimum, maximum, integer, open }: Range): string {
  const kind = integer ? 'a whole number' : 'a number';
  if (maximum === Number.POSITIVE_INFINITY) return `${kind} ${open ? '>' : '>='} ${minimum}`;
  return open ? `${kind} strictly between ${minimum} and ${maximum}` : `${kind} from ${minimum} to ${maximum}`;
}

/**
 * An option whose value is a number.
 * @param name  the option's name without dashes, for the message
 */
export function numberOption(name: string, range: Range, options: Options): Options {
  return {
    ...options,
    type: 'string',
    requiresArg: true,
    coerce: (word: unknown) => {
      if (word === undefined || Array.isArray(word)) return word;
      const value = String(word).trim() === '' ? Number.NaN : Number(word);
      if (isWithin(value, range)) return value;
      throw usageError(`--${name}`, `got "${String(word)}", expected ${describeRange(range)}.`);
    },
  };
}

/** A fraction strictly between 0 and 1. */
export function fractionOption(name: string, options: Options): Options {
  return numberOption(name, { minimum: 0, maximum: 1, open: true }, options);
}

export function seedOption(): Options {
  const range = { minimum: 0, maximum: 2 ** 32 - 1, integer: true };
  return numberOption('seed', range, { default: 0, describe: 'seed of every random choice' });
}

/** Sizes that a model leaves open, by its names for them: `height=224,width=224`. */
export function sizesOption(): Options {
  return {
    type: 'string',
    requiresArg: true,
    describe: 'fix sizes that the model leaves open: NAME=NUMBER, ...; kerf inspect names them',
    coerce: (words: unknown) => {
      if (words === undefined || Array.isArray(words)) return words;
      const pairs = String(words)
        .split(',')
        .map((pair) => /^\s*(.+?)\s*=\s*(\d+)\s*$/.exec(pair));
      if (pairs.every((pair) => pair !== null))
        return Object.fromEntries(pairs.map(([, name, size]) => [name, Number(size)]));
      throw usageError('--sizes', `got "${String(words)}", expected NAME=NUMBER, ..., e.g. height=224,width=224.`);
    },
  };
}

/** A file name, or any text that must not be missing. */
export function textOption(options: Options): Options {
  return { ...options, type: 'string', requiresArg: true };
}

/** Either a word of `words` or a whole number >= 1. */
export function wordOrCountOption(name: string, words: readonly string[], options: Options, least = 1): Options {
  return {
    ...options,
    type: 'string',
    requiresArg: true,
    coerce: (word: unknown) => {
      if (word === undefined || Array.isArray(word) || words.includes(String(word))) return word;
      const value = String(word).trim() === '' ? Number.NaN : Number(word);
      if (Number.isInteger(value) && value >= least) return value;
      throw usageError(
        `--${name}`,
        `got "${String(word)}", expected ${words.join(', ')} or a whole number >= ${least}.`,
      );
    },
  };
}
