/** Reading attributes and inputs of a node, with errors that name the node. */
import { type ErrorCode, KerfError } from '../../runtime/errors.js';
import type { Extent } from '../../runtime/extent.js';
import { Tensor } from '../../runtime/tensor.js';
import type { Attribute, Fact, Node } from '../graph.js';

/** `node "fc1" (MatMul)`: how messages name a node. */
export function describeNode(node: Pick<Node, 'name' | 'op' | 'domain'>): string {
  return `node "${node.name}" (${node.domain ? `${node.domain}.` : ''}${node.op})`;
}

/** An error about a node; `problem` continues the sentence after its name. */
export function nodeError(
  code: ErrorCode,
  node: Node,
  problem: string,
  details: Readonly<Record<string, unknown>> = {},
): KerfError {
  return new KerfError(code, describeNode(node), problem, details);
}

/**
 * Runs part of an operator's entry on a node of an untrusted file. Entries check what they can say something about; what
 * is left of absent inputs and odd values, JavaScript refuses.
 * @throws `code` naming the node, for any error without a code
 */
export function guarded<T>(node: Node, code: ErrorCode, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof KerfError) throw cause;
    const got = cause instanceof Error ? cause.message : String(cause);
    const problem = `its inputs and attributes do not fit together: got "${got}". Export the model again.`;
    throw new KerfError(code, describeNode(node), problem, {}, { cause });
  }
}

function wrongAttribute(node: Node, name: string, got: Attribute, expected: string): KerfError {
  const text = got instanceof Tensor ? 'a tensor' : typeof got === 'object' ? 'a list or graph' : String(got);
  return nodeError('MODEL_INVALID', node, `attribute "${name}": got ${text}, expected ${expected}.`);
}

/** The nearest whole number that a double holds exactly: "to the end" is often written as the largest int64. */
function toSafeInteger(value: number | bigint): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(value)));
}

/** Attribute `name` as a whole number, or `fallback` where the node has none. */
export function integerOf<F extends number | undefined>(node: Node, name: string, fallback: F): number | F {
  const value = node.attributes.get(name);
  if (value === undefined) return fallback;
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) {
    throw wrongAttribute(node, name, value, 'a whole number');
  }
  return number;
}

/** Attribute `name` as a real number, or `fallback` where the node has none; ONNX stores both in float32. */
export function realOf<F extends number | undefined>(node: Node, name: string, fallback: F): number | F {
  const value = node.attributes.get(name);
  if (value === undefined) return fallback === undefined ? fallback : Math.fround(fallback);
  if (typeof value !== 'number') throw wrongAttribute(node, name, value, 'a number');
  return Math.fround(value);
}

/** Attribute `name` as a list of whole numbers, or undefined where the node has none. */
export function integersOf(node: Node, name: string): readonly number[] | undefined {
  const value = node.attributes.get(name);
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.some((entry) => !Number.isInteger(Number(entry)))) {
    throw wrongAttribute(node, name, value, 'a list of whole numbers');
  }
  return value.map(toSafeInteger);
}

/** Attribute `name` as text, or `fallback` where the node has none. */
export function textOf<F extends string | undefined>(node: Node, name: string, fallback: F): string | F {
  const value = node.attributes.get(name);
  if (value === undefined) return fallback;
  if (typeof value !== 'string') throw wrongAttribute(node, name, value, 'a string');
  return value;
}

/**
 * Input `index` of a node.
 * @throws MODEL_INVALID when the file leaves it out
 */
export function requireInput<T>(node: Node, inputs: readonly (T | undefined)[], index: number): T {
  const input = inputs[index];
  if (input === undefined) {
    throw nodeError(
      'MODEL_INVALID',
      node,
      `input ${index} is missing: got ${inputs.length} inputs. Export the model again.`,
    );
  }
  return input;
}

/** The numbers of a small integer tensor, e.g. the axes or the shape that a node gets as an input. */
export function wholeNumbers(node: Node, tensor: Tensor): readonly number[] {
  if (tensor.dims.length > 1 || !tensor.type.includes('int')) {
    throw nodeError(
      'MODEL_INVALID',
      node,
      `expected a list of whole numbers as an input: got ${tensor.type} [${tensor.dims}]. Export the model again.`,
    );
  }
  return Array.from(tensor.data as ArrayLike<number | bigint>, toSafeInteger);
}

/**
 * The constant value of input `index`, or undefined where the input is absent.
 * @throws SHAPE_UNSUPPORTED when it is computed from the network's inputs; `details.value` names it, so that a session
 * can plan again for the values of one run
 */
export function constantInput(node: Node, inputs: readonly (Fact | undefined)[], index: number): Tensor | undefined {
  const fact = inputs[index];
  if (fact === undefined) return undefined;
  if (fact.constant) return fact.constant;
  throw nodeError(
    'SHAPE_UNSUPPORTED',
    node,
    `input ${index} ("${node.inputs[index]}") decides the result's shape but is not constant. Fix its value in the model.`,
    { value: node.inputs[index] },
  );
}

/**
 * Input `index` as a list of sizes: constant, or known up to symbolic dimensions; undefined where it is absent.
 * @throws SHAPE_UNSUPPORTED when it depends on the values of the network's inputs
 */
export function sizesInput(
  node: Node,
  inputs: readonly (Fact | undefined)[],
  index: number,
): readonly Extent[] | undefined {
  const fact = inputs[index];
  if (fact?.extents && !fact.constant) return fact.extents;
  const tensor = constantInput(node, inputs, index);
  return tensor && wholeNumbers(node, tensor);
}
