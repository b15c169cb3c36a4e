/**
 * Recognises activations that were written out, as exporters do for operator sets without them:
 *
 *     clip(x + b, 0, h) / h        a HardSigmoid
 *     x clip(x + b, 0, h) / h      kerf's HardSwish
 *     x hardSigmoid(x)             kerf's HardSwish
 *     x sigmoid(alpha x)           kerf's Silu
 *     x (1 + erf(x / sqrt 2)) / 2  kerf's Gelu
 *     x (1 + tanh(k (x + d x^3))) / 2, which is x sigmoid(2 k x + 2 k d x^3): kerf's Silu
 */
import type { Attribute, Node } from '../graph/graph.js';
import { realOf } from '../graph/operators/attributes.js';
import type { Match, Pattern, Recognise } from '../graph/patterns.js';
import { clampOf } from './fuse.js';

/** x, and what it takes to make clip(x + b, 0, h) of it. */
interface Gate {
  readonly x: string;
  readonly offset: number;
  readonly height: number;
  readonly inner: readonly Node[];
}

/** A value that is clip(x + b, 0, h). */
function gateOf(value: string, pattern: Pattern): Gate | undefined {
  const clip = pattern.producer(value, 'Clip');
  const bounds = new Map(clip && clampOf(clip, pattern.facts, pattern.graph.opset));
  const height = bounds.get('hi');
  const shifted = clip && pattern.producer(clip.inputs[0], 'Add');
  const [number, x] = pattern.split(shifted, (one) => pattern.scalar(one) !== undefined) ?? [];
  if (!clip || !shifted || x === undefined || bounds.get('lo') !== 0 || height === undefined) return undefined;
  return { x, offset: pattern.scalar(number)!, height, inner: [clip, shifted] };
}

/** A node that multiplies a value by a constant. */
function scaledBy(node: Node, pattern: Pattern): { value: string; factor: number } | undefined {
  if (node.domain !== '' || (node.op !== 'Mul' && node.op !== 'Div')) return undefined;
  const [number, value] = pattern.split(node, (one) => pattern.scalar(one) !== undefined) ?? [];
  if (value === undefined || (node.op === 'Div' && node.inputs[1] !== number)) return undefined;
  const factor = pattern.scalar(number)!;
  return { value, factor: node.op === 'Mul' ? factor : 1 / factor };
}

const isFloat = (node: Node, pattern: Pattern) => pattern.facts.get(node.outputs[0])?.dtype === 'float32';

/** Whether two numbers are one: 1/6 of float32, times 6. */
const isUnit = (product: number) => Math.abs(product - 1) <= 2 ** -23;

function matchOf(root: Node, inner: readonly Node[], domain: string, op: string, x: string, ...slope: number[]): Match {
  const attributes = new Map<string, Attribute>(slope.map((number, i) => [i === 0 ? 'alpha' : 'beta', number]));
  return { root, inner, node: { op, domain, inputs: [x], attributes } };
}

/** clip(x + b, 0, h) / h, and x clip(x + b, 0, h) / h. */
function recogniseClipped(root: Node, pattern: Pattern): Match | undefined {
  const scaled = isFloat(root, pattern) ? scaledBy(root, pattern) : undefined;
  if (!scaled) return undefined;
  const { value, factor } = scaled;
  const product = pattern.producer(value, 'Mul');
  const [gated, source] = pattern.split(product, (one) => gateOf(one, pattern) !== undefined) ?? [value];
  const gate = gateOf(gated, pattern);
  const isSame = source === undefined || source === gate?.x;
  if (!gate || !isSame || !isUnit(factor * gate.height)) return undefined;
  const { x, offset } = gate;
  if (source === undefined) return matchOf(root, gate.inner, '', 'HardSigmoid', x, factor, factor * offset);
  return matchOf(root, [product!, ...gate.inner], 'kerf', 'HardSwish', x, factor, factor * offset);
}

/** x hardSigmoid(x), x sigmoid(alpha x). */
function recogniseGated(root: Node, pattern: Pattern): Match | undefined {
  if (root.domain !== '' || root.op !== 'Mul' || !isFloat(root, pattern)) return undefined;
  const gateFor = (one: string) => pattern.producer(one, 'Sigmoid', 'HardSigmoid');
  const [gated, x] = pattern.split(root, (one) => gateFor(one) !== undefined) ?? [];
  const gate = gated === undefined ? undefined : gateFor(gated);
  if (!gate) return undefined;
  const [read] = gate.inputs;
  if (gate.op === 'HardSigmoid') {
    const slope = [realOf(gate, 'alpha', 0.2), realOf(gate, 'beta', 0.5)];
    return x === read ? matchOf(root, [gate], 'kerf', 'HardSwish', x, ...slope) : undefined;
  }
  if (x === read) return matchOf(root, [gate], 'kerf', 'Silu', x);
  const scaling = pattern.producer(read, 'Mul', 'Div');
  const scaled = scaling && scaledBy(scaling, pattern);
  if (scaled?.value !== x) return undefined;
  return matchOf(root, [gate, scaling!], 'kerf', 'Silu', x!, scaled!.factor);
}

/** A product: its constant, what else is multiplied, and the nodes that multiply. */
interface Product {
  readonly factor: number;
  readonly values: readonly string[];
  readonly inner: readonly Node[];
}

/** More factors than an activation has. */
const mostFactors = 5;

/** What a value is a product of, as far as nothing else reads the products between. */
function productOf(value: string, pattern: Pattern, isRoot = true): Product {
  const alone: Product = { factor: 1, values: [value], inner: [] };
  const node = pattern.producer(value, 'Mul', 'Div');
  if (!node || (!isRoot && pattern.readers(value).length !== 1)) return alone;
  const scaled = scaledBy(node, pattern);
  if (node.op === 'Div' && !scaled) return alone;
  const parts = (scaled ? [scaled.value] : node.inputs).map((one) => productOf(one, pattern, false));
  const values = parts.flatMap((part) => part.values);
  if (values.length > mostFactors) return alone;
  const factor = parts.reduce((whole, part) => whole * part.factor, scaled?.factor ?? 1);
  return { factor, values, inner: [...(isRoot ? [] : [node]), ...parts.flatMap(({ inner }) => inner)] };
}

/** The product that a value is, with the node that makes it. */
function innerProduct(value: string, pattern: Pattern): Product {
  const product = productOf(value, pattern);
  const node = pattern.producer(value, 'Mul', 'Div');
  return product.inner.length > 0 || product.values[0] !== value
    ? { ...product, inner: [node!, ...product.inner] }
    : product;
}

/** 1 + erf(..) or 1 + tanh(..), in either order. */
function curveOf(value: string, pattern: Pattern): { curve: Node; inner: readonly Node[] } | undefined {
  const sum = pattern.producer(value, 'Add');
  const [, curved] = pattern.split(sum, (one) => pattern.scalar(one) === 1) ?? [];
  const curve = pattern.producer(curved, 'Erf', 'Tanh');
  return sum && curve && { curve, inner: [sum, curve] };
}

/** x^3: a power, or a product. */
function isCube({ values }: Product, x: string, pattern: Pattern): boolean {
  const [only, ...others] = values;
  if (others.length > 0) return values.length === 3 && values.every((value) => value === x);
  const power = pattern.producer(only, 'Pow');
  return power?.inputs[0] === x && pattern.scalar(power.inputs[1]) === 3;
}

/** k (x + d x^3), as the two slopes k and k d. */
function cubicOf(value: string, x: string, pattern: Pattern) {
  const { factor, values, inner } = innerProduct(value, pattern);
  const sum = values.length === 1 ? pattern.producer(values[0], 'Add') : undefined;
  const [, cubic] = pattern.split(sum, (one) => one === x) ?? [];
  if (!sum || cubic === undefined) return undefined;
  const cube = innerProduct(cubic, pattern);
  if (!isCube(cube, x, pattern)) return undefined;
  const power = cube.values.length === 1 ? [pattern.producer(cube.values[0], 'Pow')!] : [];
  return { slopes: [factor, factor * cube.factor], inner: [...inner, sum, ...cube.inner, ...power] };
}

/** x (1 + erf(x / sqrt 2)) / 2 and x (1 + tanh(k (x + d x^3))) / 2, multiplied in any order. */
function recogniseGelu(root: Node, pattern: Pattern): Match | undefined {
  if (root.domain !== '' || (root.op !== 'Mul' && root.op !== 'Div') || !isFloat(root, pattern)) return undefined;
  const { factor, values, inner } = productOf(root.outputs[0], pattern);
  const at = values.findIndex((value) => curveOf(value, pattern) !== undefined);
  if (at < 0 || values.length !== 2 || !isUnit(2 * factor)) return undefined;
  const [{ curve, inner: around }, x] = [curveOf(values[at], pattern)!, values[1 - at]];
  if (curve.op === 'Erf') {
    const read = innerProduct(curve.inputs[0], pattern);
    const isStandard = read.values.length === 1 && read.values[0] === x && isUnit(read.factor * Math.SQRT2);
    return isStandard ? matchOf(root, [...inner, ...around, ...read.inner], 'kerf', 'Gelu', x) : undefined;
  }
  const cubic = cubicOf(curve.inputs[0], x, pattern);
  if (!cubic) return undefined;
  // (1 + tanh u) / 2 is sigmoid(2 u).
  const slopes = cubic.slopes.map((slope) => 2 * slope);
  return matchOf(root, [...inner, ...around, ...cubic.inner], 'kerf', 'Silu', x, ...slopes);
}

/** Asked one after the other: the second finds what the first made. */
export const activationPatterns: readonly Recognise[] = [recogniseClipped, recogniseGated, recogniseGelu];
