/** Checks options of `decompose` that no later step would refuse: a word that means nothing must not pass for a default. */
import type { DecomposeOptions } from './decompose.js';
import { KerfError } from './runtime/errors.js';

const words = {
  cascade: ['auto', 'on', 'off'],
  weights: ['f32', 'f16', 'int8'],
} as const;

interface Count {
  readonly least: number;
  readonly most: number;
  /** Words that may stand in its place. */
  readonly words: readonly unknown[];
}

const counts: Readonly<Partial<Record<keyof DecomposeOptions, Count>>> = {
  parts: { least: 1, most: Number.MAX_SAFE_INTEGER, words: ['auto'] },
  bus: { least: 0, most: Number.MAX_SAFE_INTEGER, words: ['auto'] },
  batch: { least: 1, most: Number.MAX_SAFE_INTEGER, words: [] },
  seed: { least: 0, most: 2 ** 32 - 1, words: [] },
};

function refuse(name: string, value: unknown, expected: string): never {
  throw new KerfError('OPTION_INVALID', `--${name}`, `invalid value: got ${String(value)}, expected ${expected}.`);
}

/**
 * Costs are a table or a word; the table's own reader has checked its numbers.
 * @throws OPTION_INVALID naming the option
 */
export function requireOptions(options: DecomposeOptions): void {
  for (const [name, allowed] of Object.entries(words)) {
    const value = options[name as keyof typeof words];
    if (value !== undefined && !(allowed as readonly unknown[]).includes(value))
      refuse(name, value, allowed.join(', '));
  }
  for (const [name, { least, most, words }] of Object.entries(counts)) {
    const value = options[name as keyof DecomposeOptions] as unknown;
    const isCount = Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
    if (value === undefined || isCount || words.includes(value)) continue;
    const range = most === Number.MAX_SAFE_INTEGER ? `>= ${least}` : `from ${least} to ${most}`;
    refuse(name, value, [...words, `a whole number ${range}`].join(' or '));
  }
  const { costs } = options;
  const isTable = typeof costs === 'object' && costs !== null && Array.isArray(costs.tiles);
  if (costs !== undefined && costs !== 'work' && costs !== 'time' && !isTable)
    refuse('costs', costs, 'work, time or a table');
}
