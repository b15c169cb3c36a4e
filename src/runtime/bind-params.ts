import { KerfError } from './errors.js';
import { type Bindings, type Extent, evaluate } from './extent.js';
import type { Step, StepParam } from './plan.js';
import type { BoundParams, ParamSpec, StepKind } from './step-kind.js';

/** Sizes and strides of a step are i32 in the kernels. */
const isWord = (value: number) => Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31;

/**
 * The params of a step as numbers and words.
 * @throws PACKAGE_INVALID when one is missing, of another type, or out of the range of the kernels
 */
export function bindParams(step: Step, kind: StepKind, bindings: Bindings, where: string): BoundParams {
  const bound: Record<string, number | readonly number[] | string> = {};
  for (const [name, spec] of Object.entries(kind.params)) {
    const param = Object.hasOwn(step.params, name) ? step.params[name] : undefined;
    if (param === undefined && spec.optional) continue;
    const value = param === undefined ? undefined : bindParam(param, spec, bindings);
    if (value === undefined) throw invalidParam(where, name, spec, param);
    bound[name] = value;
  }
  const unknown = Object.keys(step.params).find((name) => !Object.hasOwn(kind.params, name));
  if (unknown !== undefined) {
    throw new KerfError('PACKAGE_VERSION', where, `unknown param "${unknown}". Use a newer version of kerf.`);
  }
  return bound;
}

function invalidParam(where: string, name: string, spec: ParamSpec, got: unknown): KerfError {
  const expected = spec.words ? `one of ${spec.words.join(', ')}` : `a ${spec.type} that fits 32 bits`;
  return new KerfError(
    'PACKAGE_INVALID',
    where,
    `invalid param "${name}": got ${JSON.stringify(got)}, expected ${expected}. Build the package again.`,
  );
}

/** Whether `value` is an extent: a number, or a list of terms. */
function isExtent(value: unknown): value is Extent {
  const isTerm = (term: unknown) =>
    Array.isArray(term) && typeof term[0] === 'number' && term.slice(1).every((name) => typeof name === 'string');
  return typeof value === 'number' || (Array.isArray(value) && value.every(isTerm));
}

function bindExtent(value: unknown, bindings: Bindings): number | undefined {
  if (!isExtent(value)) return undefined;
  const size = evaluate(value, bindings);
  return isWord(size) ? size : undefined;
}

function bindParam(
  param: StepParam,
  spec: ParamSpec,
  bindings: Bindings,
): number | readonly number[] | string | undefined {
  switch (spec.type) {
    case 'size':
      return bindExtent(param, bindings);
    case 'sizes': {
      if (!Array.isArray(param)) return undefined;
      const sizes = param.map((entry) => bindExtent(entry, bindings));
      return sizes.includes(undefined) ? undefined : (sizes as number[]);
    }
    case 'real': {
      const real = typeof param === 'object' && 'real' in param ? param.real : undefined;
      return typeof real === 'number' && !Number.isNaN(real) ? real : undefined;
    }
    case 'word':
      return typeof param === 'string' && spec.words?.includes(param) ? param : undefined;
  }
}
