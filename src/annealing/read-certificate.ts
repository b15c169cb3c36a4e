/** Certificates as files hold them: their form is checked, their content is the maker's claim. */
import { describe, invalid } from '../runtime/format/schema.js';
import type { Certificate } from './annealing.js';

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => Number.isFinite(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isFlag: Check = (value) => typeof value === 'boolean';
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const oneOf =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);
const fields =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(checks).every(([name, check]) => check((value as Record<string, unknown>)[name]));
const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

const isInterval: Check = (value) => Array.isArray(value) && value.length === 2 && value.every(isNumber);

/** What each field is, and what it was before certificates had it. */
const rules: Readonly<Record<keyof Certificate, readonly [check: Check, before?: unknown]>> = {
  level: [oneOf('A', 'B', 'C', 'D', 'none')],
  decision: [isText],
  confidence: [isNumber],
  maxDisagreement: [isNumber],
  bound: [orNull(isNumber)],
  n: [isCount],
  rows: [isCount],
  repeats: [isCount, 0],
  seen: [isCount],
  agreement: [orNull(isNumber)],
  rel: [orNull(isNumber)],
  maxAbs: [orNull(isNumber)],
  kl: [orNull(isNumber), null],
  accuracy: [
    orNull(
      fields({
        ...{ n: isCount, before: isNumber, after: isNumber, lost: isCount, gained: isCount, change: isNumber },
        ...{ interval: orNull(isInterval), pValue: orNull(isNumber) },
      }),
    ),
    null,
  ],
  weights: [oneOf('f32', 'f16', 'int8'), 'f32'],
  fallbackRate: [isNumber],
  support: [orNull(fields({ columns: isCount, unlit: isCount, outside: isCount })), null],
  stages: [list(fields({ name: isText, macs: isNumber, n: isCount, seen: isCount, bound: isNumber, passed: isFlag }))],
  guardHash: [orNull(isText)],
  earlierUses: [isCount, 0],
  classes: [list(fields({ decision: isText, n: isCount, seen: isCount, proven: isFlag }))],
  statement: [isText],
};

/**
 * A package's certificate, with the fields that older ones lack.
 * @returns null where there is none
 * @throws PACKAGE_INVALID naming a field that is missing or of another form
 */
export function readCertificate(value: object | null): Certificate | null {
  if (value === null) return null;
  const read = Object.entries(rules).map(([name, [check, before]]): [string, unknown] => {
    const got = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : before;
    if (check(got)) return [name, got];
    throw invalid('certificate', `field "${name}" has another form: got ${describe(got)}`);
  });
  return Object.fromEntries(read) as unknown as Certificate;
}
