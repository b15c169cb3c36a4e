/** Einsum: a sum of products over labelled axes, as a reference step. */

import { type Extent, equals, multiply } from '../../runtime/extent.js';
import { elementCount, type Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { nodeError, requireInput, textOf } from './attributes.js';
import { define, lastOpset, requireSameDType } from './define.js';
import { fillNumbers, floatDTypes, toNumbers } from './elements.js';
import { mismatchCode, stridesOf, walk } from './shapes.js';

/** Most products of one run: beyond it the equation is not for a loop over all of them. */
const maximumProducts = 2 ** 24;

/** Labels of the axes of each operand and of the result; an ellipsis stands for labels '0', '1', .. from the last on. */
interface Labels {
  readonly operands: readonly (readonly string[])[];
  readonly result: readonly string[];
}

function labelsOf(node: Node, ranks: readonly number[]): Labels {
  const equation = textOf(node, 'equation', '').replace(/\s/g, '');
  const [left, right] = equation.split('->');
  const terms = left.split(',');
  const isValid = /^[a-zA-Z.,]*(->[a-zA-Z.]*)?$/.test(equation) && terms.length === ranks.length;
  const expand = (term: string, rank: number): readonly string[] => {
    const [head, tail] = term.split('...');
    if (tail === undefined) return [...term];
    const missing = rank - head.length - tail.length;
    const broad = Array.from({ length: Math.max(0, missing) }, (_, i) => String(missing - 1 - i));
    return [...head, ...broad, ...tail];
  };
  const operands = terms.map((term, index) => expand(term, ranks[index] ?? 0));
  if (!isValid || operands.some((labels, index) => labels.length !== ranks[index])) {
    throw nodeError(
      'MODEL_INVALID',
      node,
      `equation: got "${equation}" for ranks [${ranks}], expected a label an axis.`,
    );
  }
  const counts = new Map<string, number>();
  for (const label of operands.flat()) counts.set(label, (counts.get(label) ?? 0) + 1);
  const broad = [...counts.keys()].filter((label) => /\d/.test(label)).sort((a, b) => Number(b) - Number(a));
  const once = [...counts].flatMap(([label, count]) => (count === 1 && !/\d/.test(label) ? [label] : [])).sort();
  if (right === undefined) return { operands, result: [...broad, ...once] };
  const [head, tail] = right.split('...');
  return { operands, result: tail === undefined ? [...right] : [...head, ...broad, ...tail] };
}

/** Size of each label. @throws SHAPE_MISMATCH where two axes of one label differ */
function sizesOf(
  node: Node,
  { operands, result }: Labels,
  shapes: readonly (readonly Extent[])[],
): ReadonlyMap<string, Extent> {
  const sizes = new Map<string, Extent>();
  operands.forEach((labels, index) => {
    labels.forEach((label, axis) => {
      const [known, size] = [sizes.get(label), shapes[index][axis]];
      if (known === undefined || known === 1) sizes.set(label, size);
      else if (!equals(known, size) && size !== 1) {
        throw nodeError(mismatchCode(known, size), node, `axes "${label}": got two sizes, expected one.`);
      }
    });
  });
  const unknown = result.find((label) => !sizes.has(label));
  if (unknown !== undefined) throw nodeError('MODEL_INVALID', node, `equation: got "${unknown}" in the result alone.`);
  return sizes;
}

function evaluate(node: Node, inputs: readonly Tensor[]): Tensor {
  const labels = labelsOf(
    node,
    inputs.map(({ dims }) => dims.length),
  );
  const sizes = sizesOf(
    node,
    labels,
    inputs.map(({ dims }) => dims),
  ) as ReadonlyMap<string, number>;
  const summed = [...sizes.keys()].filter((label) => !labels.result.includes(label));
  const order = [...labels.result, ...summed];
  const dims = order.map((label) => sizes.get(label)!);
  if (elementCount(dims) > maximumProducts) {
    throw nodeError('MODEL_LIMIT', node, `products: got ${elementCount(dims)}, expected at most ${maximumProducts}.`);
  }
  const places = inputs.map((input, index) => {
    const strides = stridesOf(input.dims);
    const strideOf = (label: string) =>
      labels.operands[index].reduce(
        (sum, own, axis) => sum + (own === label && input.dims[axis] !== 1 ? strides[axis] : 0),
        0,
      );
    return walk(dims, order.map(strideOf));
  });
  const values = inputs.map(toNumbers);
  const terms = elementCount(summed.map((label) => sizes.get(label)!));
  return fillNumbers(
    inputs[0].type,
    labels.result.map((label) => sizes.get(label)!),
    (i) => {
      let sum = 0;
      for (let k = i * terms; k < (i + 1) * terms; k++)
        sum += values.reduce((product, list, at) => product * list[places[at][k]], 1);
      return sum;
    },
  );
}

/** Labels and their sizes. */
function labelled(node: Node, inputs: readonly (Fact | undefined)[]) {
  const shapes = inputs.map((_, index) => requireInput(node, inputs, index).shape);
  const labels = labelsOf(
    node,
    shapes.map(({ length }) => length),
  );
  return { labels, sizes: sizesOf(node, labels, shapes) };
}

export const einsumOperators: readonly Operator[] = define([[12, lastOpset, floatDTypes]], {
  name: 'Einsum',
  infer: (node, inputs): readonly Fact[] => {
    const { labels, sizes } = labelled(node, inputs);
    return [{ dtype: requireSameDType(node, inputs), shape: labels.result.map((label) => sizes.get(label)!) }];
  },
  evaluate: (node, inputs) => [
    evaluate(
      node,
      inputs.map((_, index) => requireInput(node, inputs, index)),
    ),
  ],
  // Every factor but the first is multiplied at every place of all labels.
  macs: (node, inputs) => [...labelled(node, inputs).sizes.values()].reduce(multiply, inputs.length - 1),
});
