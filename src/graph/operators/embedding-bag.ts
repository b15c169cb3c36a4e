/** kerf.EmbeddingBag: y[m] = sum or mean of table[ids[m, l]] over the ids >= 0, plus bias. */
import { type Extent, equals, multiply } from '../../runtime/extent.js';
import type { Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator, PlanBuilder } from '../operator.js';
import { nodeError, requireInput, textOf } from './attributes.js';
import { always, define, lastOpset } from './define.js';
import { fillNumbers, toNumbers } from './elements.js';
import { formatShape } from './shapes.js';

interface BagSizes {
  /** Bags, and ids of each; a bag shorter than L is padded with ids below 0. */
  readonly M: Extent;
  readonly L: Extent;
  /** Rows of the table, and their length. */
  readonly V: number;
  readonly D: number;
}

function sizesOf(node: Node, inputs: readonly (Fact | undefined)[]): BagSizes {
  const [ids, table, bias] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1), inputs[2]];
  const [V, D] = table.shape as readonly number[];
  if (ids.shape.length !== 2 || table.shape.length !== 2 || (bias && !equals(bias.shape[0], D))) {
    const got = [ids, table, bias].map((fact) => (fact ? formatShape(fact.shape) : 'none')).join(', ');
    throw nodeError('SHAPE_MISMATCH', node, `shapes: got ${got}, expected ids [M, L], table [V, D], bias [D].`);
  }
  return { M: ids.shape[0], L: ids.shape[1], V, D };
}

function infer(node: Node, inputs: readonly (Fact | undefined)[]): readonly Fact[] {
  const { M, D } = sizesOf(node, inputs);
  return [{ dtype: requireInput(node, inputs, 1).dtype, shape: [M, D] }];
}

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const [ids, table, bias] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1), inputs[2]];
  const [M, L] = ids.dims;
  const [V, D] = table.dims;
  const isMean = textOf(node, 'mode', 'mean') === 'mean';
  const [rows, values, offset] = [toNumbers(ids), toNumbers(table), bias && toNumbers(bias)];
  const sums = new Float64Array(M * D);
  for (let m = 0; m < M; m++) {
    let count = 0;
    for (let l = 0; l < L; l++) {
      const id = rows[m * L + l];
      if (id < 0) continue;
      if (id >= V) throw nodeError('DATA_INVALID', node, `id: got ${id}, expected less than ${V}. Check the input.`);
      count++;
      for (let d = 0; d < D; d++) sums[m * D + d] += values[id * D + d];
    }
    if (isMean && count > 0) for (let d = 0; d < D; d++) sums[m * D + d] /= count;
  }
  return [fillNumbers('float32', [M, D], (i) => sums[i] + (offset ? offset[i % D] : 0))];
}

function lower(node: Node, builder: PlanBuilder): boolean {
  const facts = node.inputs.map((value) => (value ? builder.fact(value) : undefined));
  const { M, L, V, D } = sizesOf(node, facts);
  const reads = node.inputs.filter((value) => value !== '').map((value) => builder.place(value).operand);
  builder.step('embedding-bag', reads, [builder.output(node.outputs[0]).operand], {
    mode: textOf(node, 'mode', 'mean'),
    M,
    L,
    V,
    D,
  });
  return true;
}

export const embeddingBagOperators: readonly Operator[] = define([[1, lastOpset, ['int32']]], {
  name: 'EmbeddingBag',
  domain: 'kerf',
  infer,
  evaluate,
  lower,
  rowIndependent: always,
  macs: (node, inputs) => {
    const { M, L, D } = sizesOf(node, inputs);
    return multiply(multiply(M, L), D);
  },
});
