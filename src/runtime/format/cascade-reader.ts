/** Reads the cascade of a package: the original plan, whose weights stand in the same file, and the rule. */
import { type Cascade, type CascadeRule, cascadeProblem } from '../cascade.js';
import { checkPlan } from '../check-plan.js';
import { KerfError } from '../errors.js';
import type { Plan } from '../plan.js';
import type { UnlitColumns } from '../support.js';
import { readPlan } from './plan-reader.js';
import type { Safetensors } from './safetensors.js';
import { describe, invalid, readCount, readFields, readList, readString } from './schema.js';

const where = 'cascade';

/** Most outputs that decide, and inputs with a support. */
const maximumOutputs = 4096;

/** Most ends of spans of columns. */
const maximumSpans = 2 ** 21;

/**
 * The cascade that `json` holds, checked against the compressed plan.
 * @throws PACKAGE_VERSION for a field or decision that is not known; PACKAGE_INVALID for everything else
 */
export function readCascade(json: unknown, compressed: Plan, file: Safetensors): Cascade {
  const fields = readFields(json, where, ['plan', 'outputs', 'decision', 'at', 'tau', 'maxFallbackRate'], ['support']);
  const plan = readPlan(fields['plan'], file);
  checkPlan(plan);
  const cascade = { plan, rule: readRule(fields) };
  const problem = cascadeProblem(compressed, cascade);
  if (problem) throw invalid(where, problem);
  return cascade;
}

function readRule(fields: Readonly<Record<string, unknown>>): CascadeRule {
  const decision = readString(fields['decision'], where);
  if (decision !== 'argmax' && decision !== 'threshold') {
    throw new KerfError('PACKAGE_VERSION', where, `unknown decision: got "${decision}". Use a newer version of kerf.`);
  }
  return {
    outputs: readList(fields['outputs'], where, maximumOutputs, readString),
    decision,
    at: readReal(fields['at'], Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY),
    tau: readReal(fields['tau'], 0, Number.POSITIVE_INFINITY),
    maxFallbackRate: readReal(fields['maxFallbackRate'], 0, 1),
    ...(fields['support'] !== undefined && {
      support: readList(fields['support'], `${where} support`, maximumOutputs, readColumns),
    }),
  };
}

/** Whether the spans fit the inputs is looked at with the plans. */
function readColumns(value: unknown, at: string): UnlitColumns {
  const fields = readFields(value, at, ['input', 'spans']);
  return {
    input: readString(fields['input'], at),
    spans: readList(fields['spans'], at, maximumSpans, readCount),
  };
}

function readReal(value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && value >= least && value <= most && Number.isFinite(value)) return value;
  throw invalid(where, `out of range: got ${describe(value)}, expected a number from ${least} to ${most}`);
}
