/** The activation functions that recurrent nodes may name. */
import type { Node } from '../graph.js';
import { nodeError } from './attributes.js';
import { sigmoid, softplus } from './scalar-functions.js';

type Make = (alpha: number | undefined, beta: number | undefined) => (x: number) => number;

const functions: Readonly<Record<string, Make>> = {
  relu: () => (x) => Math.max(x, 0),
  tanh: () => Math.tanh,
  sigmoid: () => sigmoid,
  affine:
    (alpha = 1, beta = 0) =>
    (x) =>
      alpha * x + beta,
  leakyrelu:
    (alpha = 0.01) =>
    (x) =>
      x < 0 ? alpha * x : x,
  thresholdedrelu:
    (alpha = 1) =>
    (x) =>
      x > alpha ? x : 0,
  scaledtanh:
    (alpha = 1, beta = 1) =>
    (x) =>
      alpha * Math.tanh(beta * x),
  hardsigmoid:
    (alpha = 0.2, beta = 0.5) =>
    (x) =>
      Math.min(Math.max(alpha * x + beta, 0), 1),
  elu:
    (alpha = 1) =>
    (x) =>
      x < 0 ? alpha * Math.expm1(x) : x,
  softsign: () => (x) => x / (1 + Math.abs(x)),
  softplus: () => softplus,
};

/** The functions that take alpha, and of these the ones that take beta too. */
const withBeta: ReadonlySet<string> = new Set(['affine', 'hardsigmoid', 'scaledtanh']);
const withAlpha: ReadonlySet<string> = new Set([...withBeta, 'elu', 'leakyrelu', 'thresholdedrelu']);

function listOf<T>(node: Node, name: string): readonly T[] | undefined {
  const value = node.attributes.get(name);
  return Array.isArray(value) ? (value as readonly T[]) : undefined;
}

/** Names of the node's functions in lower case, one list for all directions; undefined where it names none. */
export function functionNamesOf(node: Node): readonly string[] | undefined {
  return listOf<string>(node, 'activations')?.map((name) => String(name).toLowerCase());
}

/** Function `index` of a node; the lists of alpha and beta have an entry for each that takes one. @throws MODEL_INVALID for a name that is not known */
export function recurrentFunction(node: Node, index: number, fallback: string): (x: number) => number {
  const name = functionNamesOf(node)?.[index] ?? fallback.toLowerCase();
  const make = Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (!make)
    throw nodeError(
      'MODEL_INVALID',
      node,
      `activation: got "${name}", expected one of ${Object.keys(functions).join(', ')}.`,
    );
  const parameter = (list: string, takers: ReadonlySet<string>) => {
    const before = functionNamesOf(node)?.slice(0, index) ?? [];
    return takers.has(name) ? listOf<number>(node, list)?.[before.filter((one) => takers.has(one)).length] : undefined;
  };
  return make(parameter('activation_alpha', withAlpha), parameter('activation_beta', withBeta));
}
