/** Softmax and LogSoftmax along one axis; before opset 13 along all axes from one on. */
import type { Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { integerOf, requireInput } from './attributes.js';
import { define, lastOpset } from './define.js';
import { fillNumbers, floatDTypes, toNumbers } from './elements.js';
import { sizesAround } from './lower-copy.js';
import { normaliseAxis, type Shape } from './shapes.js';

/** The span of axes [first, end) that sums to 1. */
function spanOf(node: Node, shape: Shape, opset: number): readonly [first: number, end: number] {
  const axis = integerOf(node, 'axis', opset < 13 ? 1 : -1);
  // A scalar is its own whole, and so is what stands behind the last axis.
  if (shape.length === 0 || (opset < 13 && axis === shape.length)) return [shape.length, shape.length];
  const first = normaliseAxis(node, axis, shape.length);
  return [first, opset < 13 ? shape.length : Math.min(first + 1, shape.length)];
}

function evaluate(node: Node, x: Tensor, opset: number, isLog: boolean): Tensor {
  const { outer, axis, inner } = sizesAround(x.dims, ...spanOf(node, x.dims, opset)) as Record<string, number>;
  const values = toNumbers(x);
  const result = new Float64Array(x.size);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const at = (a: number) => (o * axis + a) * inner + i;
      let peak = Number.NEGATIVE_INFINITY;
      for (let a = 0; a < axis; a++) peak = Math.max(peak, values[at(a)]);
      let sum = 0;
      for (let a = 0; a < axis; a++) sum += Math.exp(values[at(a)] - peak);
      for (let a = 0; a < axis; a++) {
        const shifted = values[at(a)] - peak;
        result[at(a)] = isLog ? shifted - Math.log(sum) : Math.exp(shifted) / sum;
      }
    }
  }
  return fillNumbers(x.type, x.dims, (i) => result[i]);
}

function keepsRows(node: Node, inputs: readonly (Fact | undefined)[]): boolean {
  const shape = requireInput(node, inputs, 0).shape;
  // Axis 0 mixes rows in either meaning; a span that starts later never does.
  const axis = node.attributes.has('axis') ? integerOf(node, 'axis', 0) : 1;
  return shape.length > 1 && axis !== 0 && axis !== -shape.length;
}

function softmaxLike(name: string, word: string): readonly Operator[] {
  return define([[1, lastOpset, floatDTypes]], {
    name,
    infer: (node, inputs, opset) => {
      const { dtype, shape } = requireInput(node, inputs, 0);
      spanOf(node, shape, opset);
      return [{ dtype, shape }];
    },
    evaluate: (node, inputs, opset) => [evaluate(node, requireInput(node, inputs, 0), opset, word === 'log-softmax')],
    lower: (node, builder, opset) => {
      if (builder.fact(node.inputs[0]).dtype !== 'float32') return false;
      const x = builder.place(node.inputs[0]);
      const y = builder.output(node.outputs[0]);
      const { shape } = y.fact;
      builder.step('softmax', [x.operand], [y.operand], {
        f: word,
        ...sizesAround(shape, ...spanOf(node, shape, opset)),
      });
      return true;
    },
    rowIndependent: keepsRows,
  });
}

export const softmaxOperators: readonly Operator[] = [
  ...softmaxLike('Softmax', 'softmax'),
  ...softmaxLike('LogSoftmax', 'log-softmax'),
];
