/** The options of `decompose` that a caller without types can get wrong, and that no stage checks on its own. */
import type { DecomposeOptions } from './decompose.js';
import { KerfError } from './runtime/errors.js';

interface Rule {
  readonly holds: (value: unknown) => boolean;
  readonly expected: string;
}

const oneOf = (...values: readonly unknown[]): Rule => ({
  holds: (value) => values.includes(value),
  expected: values.join(', '),
});

const wholeNumber = (least: number, most = Number.MAX_SAFE_INTEGER): Rule => ({
  holds: (value) => Number.isSafeInteger(value) && least <= (value as number) && (value as number) <= most,
  expected: most === Number.MAX_SAFE_INTEGER ? `a whole number >= ${least}` : `a whole number from ${least} to ${most}`,
});

const either = (one: Rule, other: Rule): Rule => ({
  holds: (value) => one.holds(value) || other.holds(value),
  expected: `${one.expected} or ${other.expected}`,
});

const initialWeights: Rule = {
  holds: (value) => typeof value === 'string' || value instanceof Map,
  expected: 'the name of a law, auto, or a Map of initial weights',
};

const costTable: Rule = {
  holds: (value) => Array.isArray((value as { tiles?: unknown } | null)?.tiles),
  expected: 'a table of costs',
};

const rules: Readonly<Partial<Record<keyof DecomposeOptions, Rule>>> = {
  init: initialWeights,
  exact: oneOf(true, false),
  parts: either(oneOf('auto'), wholeNumber(1)),
  bus: either(oneOf('auto'), wholeNumber(0)),
  cascade: oneOf('auto', 'on', 'off'),
  weights: oneOf('f32', 'f16', 'int8'),
  seed: wholeNumber(0, 2 ** 32 - 1),
  costs: either(oneOf('work', 'time'), costTable),
  batch: wholeNumber(1, 65_536),
};

/** @throws OPTION_INVALID naming the first option whose value is none of its own */
export function checkDecomposeOptions(options: DecomposeOptions): void {
  for (const [name, { holds, expected }] of Object.entries(rules)) {
    const value = options[name as keyof DecomposeOptions];
    if (value === undefined || holds(value)) continue;
    const problem = `invalid value: got ${String(value)}, expected ${expected}. Leave it out for the default.`;
    throw new KerfError('OPTION_INVALID', `option "${name}"`, problem, { got: value });
  }
}
