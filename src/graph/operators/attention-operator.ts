/**
 * ONNX's Attention (operator sets 23 and 24), without past keys, soft caps and further outputs. Graphs write it out (see
 * ../write-attention.ts); the evaluator is for constants.
 */
import type { Extent } from '../../runtime/extent.js';
import type { Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { integerOf, nodeError, realOf, requireInput } from './attributes.js';
import { define, lastOpset } from './define.js';
import { fillNumbers, floatDTypes, toNumbers } from './elements.js';
import { broadcastIndex, formatShape, mismatchCode, type Shape } from './shapes.js';

/** How the operands are split into heads. */
export interface AttentionForm {
  /** Whether heads stand next to each other in rows, [batch, length, heads depth], and not on an axis of their own. */
  readonly isFlat: boolean;
  readonly queryHeads: number;
  readonly keyHeads: number;
  /** Of queries and keys, and of values. */
  readonly depth: number;
  readonly width: number;
  /** Lengths of queries and keys. */
  readonly lengths: readonly [Extent, Extent];
  readonly scale: number;
  readonly isCausal: boolean;
  readonly mask: Fact | undefined;
}

/** @throws OPERATOR_UNSUPPORTED for what is left out; SHAPE_MISMATCH, SHAPE_UNSUPPORTED where heads cannot be told */
export function attentionForm(node: Node, inputs: readonly (Fact | undefined)[]): AttentionForm {
  const [q, k, v] = [0, 1, 2].map((index) => requireInput(node, inputs, index).shape);
  const isOther = inputs.slice(4).some(Boolean) || node.outputs.slice(1).some((output) => output !== '');
  if (isOther || realOf(node, 'softcap', 0) !== 0) {
    const problem =
      'a form that kerf lacks: got past keys, a soft cap or further outputs, expected none. Export without.';
    throw nodeError('OPERATOR_UNSUPPORTED', node, problem);
  }
  const isFlat = q.length === 3;
  const heads = (shape: Shape, name: string) => (isFlat ? integerOf(node, name, 0) : shape[1]);
  const [queryHeads, keyHeads] = [heads(q, 'q_num_heads'), heads(k, 'kv_num_heads')];
  const sizes = [q, k, v].map((shape, i) => {
    const last = shape.at(-1);
    const count = i === 0 ? queryHeads : keyHeads;
    return typeof last === 'number' && typeof count === 'number' ? (isFlat ? last / count : last) : Number.NaN;
  });
  const [depth, keyDepth, width] = sizes;
  const isWhole = typeof queryHeads === 'number' && typeof keyHeads === 'number' && sizes.every(Number.isInteger);
  const rank = isFlat ? 3 : 4;
  if (
    !isWhole ||
    depth !== keyDepth ||
    queryHeads % keyHeads !== 0 ||
    [q, k, v].some(({ length }) => length !== rank)
  ) {
    const got = [q, k, v].map(formatShape).join(', ');
    throw nodeError(mismatchCode(...q, ...k, ...v), node, `shapes: got ${got}, expected equal heads, or a multiple.`);
  }
  const lengths = [q, k].map((shape) => shape[isFlat ? 1 : 2]) as [Extent, Extent];
  return {
    ...{ isFlat, queryHeads, keyHeads, depth, width, lengths, mask: inputs[3] },
    scale: realOf(node, 'scale', 1 / Math.sqrt(depth)),
    isCausal: integerOf(node, 'is_causal', 0) !== 0,
  };
}

function infer(node: Node, inputs: readonly (Fact | undefined)[]): readonly Fact[] {
  const { dtype, shape } = requireInput(node, inputs, 0);
  const { isFlat, queryHeads, width } = attentionForm(node, inputs);
  return [{ dtype, shape: [...shape.slice(0, -1), isFlat ? queryHeads * width : width] }];
}

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const facts = inputs.map((tensor) => tensor && { dtype: tensor.type, shape: tensor.dims });
  const { isFlat, queryHeads, keyHeads, depth, width, lengths, scale, isCausal } = attentionForm(node, facts);
  const [T, S] = lengths as readonly number[];
  const [batch] = requireInput(node, inputs, 0).dims;
  const [q, k, v] = [0, 1, 2].map((index) => toNumbers(requireInput(node, inputs, index)));
  const at = (b: number, h: number, t: number, heads: number, length: number, size: number) =>
    (isFlat ? (b * length + t) * heads + h : (b * heads + h) * length + t) * size;
  const mask = inputs[3];
  const places = mask && broadcastIndex(mask.dims, [batch, queryHeads, T, S]);
  const added = mask && toNumbers(mask);
  const hides = (index: number) =>
    mask?.type === 'bool' ? (added![places![index]] ? 0 : -Infinity) : added![places![index]];
  const y = new Float64Array(batch * queryHeads * T * width);
  for (let row = 0; row < batch * queryHeads * T; row++) {
    const [t, h, b] = [row % T, Math.floor(row / T) % queryHeads, Math.floor(row / T / queryHeads)];
    const group = Math.floor(h / (queryHeads / keyHeads));
    const scores = Array.from({ length: S }, (_, s) => {
      if (isCausal && s > t) return -Infinity;
      let sum = 0;
      const [from, to] = [at(b, h, t, queryHeads, T, depth), at(b, group, s, keyHeads, S, depth)];
      for (let d = 0; d < depth; d++) sum += q[from + d] * k[to + d];
      return sum * scale + (mask ? hides(row * S + s) : 0);
    });
    const top = Math.max(...scores);
    const shares = scores.map((score) => Math.exp(score - top));
    const total = shares.reduce((sum, share) => sum + share, 0);
    const out = at(b, h, t, queryHeads, T, width);
    shares.forEach((share, s) => {
      const from = at(b, group, s, keyHeads, S, width);
      for (let d = 0; d < width; d++) y[out + d] += (share / total) * v[from + d];
    });
  }
  const dims = infer(node, facts)[0].shape as readonly number[];
  return [fillNumbers(requireInput(node, inputs, 0).type, dims, (i) => y[i])];
}

export const attentionOperator: readonly Operator[] = define([[23, lastOpset, floatDTypes]], {
  name: 'Attention',
  infer,
  evaluate,
  rowIndependent: (_node, inputs) => inputs[3] === undefined || inputs[3].shape.length < 4 || inputs[3].shape[0] === 1,
});
