/** NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss: reference steps. */
import type { Tensor } from '../../runtime/tensor.js';
import { elementCount } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { integerOf, nodeError, requireInput, textOf } from './attributes.js';
import { define, lastOpset } from './define.js';
import { fillNumbers, floatDTypes, toNumbers } from './elements.js';
import { formatShape, type Shape } from './shapes.js';

/** Shape of the losses: one each sample and place, or one in all. */
function lossShape(node: Node, inputs: readonly (Fact | undefined)[]): Shape {
  const [x, target] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1)];
  if (x.shape.length < 2 || target.shape.length !== x.shape.length - 1) {
    const got = `${formatShape(x.shape)} and ${formatShape(target.shape)}`;
    throw nodeError('SHAPE_MISMATCH', node, `shapes: got ${got}, expected [N, C, ..] and [N, ..].`);
  }
  return textOf(node, 'reduction', 'mean') === 'none' ? target.shape : [];
}

/** Losses of log-probabilities [N, C, D] at the classes target [N, D]. @throws DATA_INVALID for another class */
function likelihoodLoss(
  node: Node,
  logs: ArrayLike<number>,
  dims: readonly number[],
  target: Tensor,
  weight: Tensor | undefined,
): number[] {
  const [classes, places] = [dims[1], elementCount(dims.slice(2))];
  const [targets, weights] = [toNumbers(target), weight && toNumbers(weight)];
  const ignored = integerOf(node, 'ignore_index', undefined);
  let total = 0;
  const losses = Array.from(targets, (chosen, at) => {
    if (chosen === ignored) return 0;
    if (!(chosen >= 0 && chosen < classes)) {
      throw nodeError('DATA_INVALID', node, `class: got ${chosen}, expected 0..${classes - 1}. Check the targets.`);
    }
    const by = weights ? weights[chosen] : 1;
    total += by;
    return -logs[(Math.floor(at / places) * classes + chosen) * places + (at % places)] * by;
  });
  const reduction = textOf(node, 'reduction', 'mean');
  if (reduction === 'none') return losses;
  const sum = losses.reduce((all, loss) => all + loss, 0);
  return [reduction === 'sum' ? sum : sum / total];
}

/** log softmax over axis 1. */
function logSoftmax(x: Tensor): Float64Array {
  const values = toNumbers(x);
  const [classes, places] = [x.dims[1], elementCount(x.dims.slice(2))];
  const result = new Float64Array(x.size);
  for (let n = 0; n < x.dims[0]; n++) {
    for (let p = 0; p < places; p++) {
      const at = (c: number) => (n * classes + c) * places + p;
      let [top, sum] = [Number.NEGATIVE_INFINITY, 0];
      for (let c = 0; c < classes; c++) top = Math.max(top, values[at(c)]);
      for (let c = 0; c < classes; c++) sum += Math.exp(values[at(c)] - top);
      for (let c = 0; c < classes; c++) result[at(c)] = values[at(c)] - top - Math.log(sum);
    }
  }
  return result;
}

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[], isSoftmax: boolean): readonly Tensor[] {
  const [x, target] = [requireInput(node, inputs, 0), requireInput(node, inputs, 1)];
  const logs = isSoftmax ? logSoftmax(x) : toNumbers(x);
  const losses = likelihoodLoss(node, logs, x.dims, target, inputs[2]);
  const dims = textOf(node, 'reduction', 'mean') === 'none' ? target.dims : [];
  const loss = fillNumbers(x.type, dims, (i) => losses[i]);
  return isSoftmax ? [loss, fillNumbers(x.type, x.dims, (i) => logs[i])] : [loss];
}

function defineLoss(name: string, isSoftmax: boolean): readonly Operator[] {
  return define([[12, lastOpset, floatDTypes]], {
    name,
    infer: (node, inputs) => {
      const { dtype, shape } = requireInput(node, inputs, 0);
      const loss = { dtype, shape: lossShape(node, inputs) };
      return isSoftmax ? [loss, { dtype, shape }] : [loss];
    },
    evaluate: (node, inputs) => evaluate(node, inputs, isSoftmax),
  });
}

export const lossOperators: readonly Operator[] = [
  ...defineLoss('NegativeLogLikelihoodLoss', false),
  ...defineLoss('SoftmaxCrossEntropyLoss', true),
];
