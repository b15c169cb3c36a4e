/** Every kind of step of the step table in plain f64 TypeScript, with the tolerance that its kernel states. */
import { boxIndices, dot, exactly, type Reference, withinUlps } from './expectation.js';
import { linearReferences } from './linear-references.js';
import { moveReferences } from './move-references.js';
import { recurrentReferences } from './recurrent-references.js';
import { reduceReferences } from './reduce-references.js';
import { power, ulpError } from './special-functions.js';
import { transformerReferences } from './transformer-references.js';
import { unaryReferences } from './unary.js';
import { windowReferences } from './window-references.js';

const binaryFunctions: Record<string, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  max: Math.max,
  min: Math.min,
  pow: power,
};

const unary: Reference = (params, read) => {
  const { ulps, slack, f } = unaryReferences[params.f as string];
  const [alpha, beta] = [params.alpha as number, params.beta as number];
  return Array.from({ length: params.count as number }, (_, i) => {
    const x = read(0, i) as number;
    const exact = f(x, alpha, beta);
    const fits = (got: number | bigint) =>
      ulpError(Number(got), exact) <= ulps || Math.abs(Number(got) - exact) <= (slack?.(x, alpha, beta) ?? -1);
    return { index: i, value: exact, fits };
  });
};

const binary: Reference = (params, read) => {
  const [stridesA, stridesB] = [params.stridesA as number[], params.stridesB as number[]];
  return [...boxIndices(params.dims as number[])].map((index, i) => {
    const [a, b] = [read(0, dot(index, stridesA)), read(1, dot(index, stridesB))] as [number, number];
    const value = binaryFunctions[params.f as string](a, b);
    // A cube may be x * x * x: half an ulp of x * x, which the other product makes one, and half of its own.
    return params.f === 'pow' ? withinUlps(i, value, b === 3 ? 1.5 : 0.51) : exactly(i, Math.fround(value));
  });
};

const select: Reference = (params, read) => {
  const strides = ['stridesA', 'stridesB', 'stridesC'].map((name) => params[name] as number[]);
  return [...boxIndices(params.dims as number[])].map((index, i) => {
    const [a, b, c] = strides.map((list, slot) => read(slot, dot(index, list)) as number);
    const holds = params.f === 'nan' ? Number.isNaN(c) : c !== 0;
    return exactly(i, holds ? a : b);
  });
};

export const stepReferences: ReadonlyMap<string, Reference> = new Map([
  ...linearReferences,
  ['unary', unary],
  ['binary', binary],
  ['select', select],
  ...reduceReferences,
  ...moveReferences,
  ...windowReferences,
  ...recurrentReferences,
  ...transformerReferences,
]);
