/** The optimizers of ONNX's preview of training: Adagrad, Adam, Momentum; reference steps. */
import type { Tensor } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { nodeError, realOf, requireInput, textOf } from './attributes.js';
import { define, lastOpset } from './define.js';
import { fillNumbers, floatDTypes, toNumbers } from './elements.js';
import { mismatchCode } from './shapes.js';

/** New values of one weight and its states, from the old ones and the regularised gradient. */
type Update = (x: number, g: number, states: readonly number[]) => readonly [x: number, ...states: number[]];

interface Optimizer {
  readonly name: string;
  /** States of each tensor, which come and go behind its values and gradients. */
  readonly states: number;
  /** The rule at a rate R and a step T. */
  rule(node: Node, R: number, T: number): Update;
}

/** How many tensors a node updates: its inputs are R, T, then values, gradients and each state of all tensors. */
function tensorCount(node: Node, inputs: number, { states }: Optimizer): number {
  const count = (inputs - 2) / (2 + states);
  if (Number.isInteger(count) && count >= 1) return count;
  throw nodeError('MODEL_INVALID', node, `inputs: got ${inputs}, expected 2 and ${2 + states} for each tensor.`);
}

/** Facts of the outputs: values, then each state, of all tensors. */
function infer(node: Node, inputs: readonly (Fact | undefined)[], optimizer: Optimizer): readonly Fact[] {
  const count = tensorCount(node, inputs.length, optimizer);
  const facts = Array.from({ length: count }, (_, i) => requireInput(node, inputs, 2 + i));
  for (let index = 2; index < inputs.length; index++) {
    const { shape } = requireInput(node, inputs, index);
    const expected = facts[(index - 2) % count].shape;
    if (JSON.stringify(shape) === JSON.stringify(expected)) continue;
    throw nodeError(
      mismatchCode(...shape, ...expected),
      node,
      `input ${index}: got [${shape}], expected [${expected}].`,
    );
  }
  const plain = facts.map(({ dtype, shape }) => ({ dtype, shape }));
  return Array.from({ length: 1 + optimizer.states }, () => plain).flat();
}

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[], optimizer: Optimizer): readonly Tensor[] {
  const count = tensorCount(node, inputs.length, optimizer);
  const given = inputs.map((_, index) => requireInput(node, inputs, index));
  const update = optimizer.rule(node, toNumbers(given[0])[0], toNumbers(given[1])[0]);
  const norm = realOf(node, 'norm_coefficient', 0);
  const results = Array.from({ length: count }, (_, i) => {
    const [xs, gs, ...states] = Array.from({ length: 2 + optimizer.states }, (_row, k) =>
      toNumbers(given[2 + i + k * count]),
    );
    const rows = Array.from(xs, (x, at) =>
      update(
        x,
        norm * x + gs[at],
        states.map((list) => list[at]),
      ),
    );
    const { type, dims } = given[2 + i];
    return Array.from({ length: 1 + optimizer.states }, (_row, k) => fillNumbers(type, dims, (at) => rows[at][k]));
  });
  return Array.from({ length: 1 + optimizer.states }, (_, k) => results.map((tensors) => tensors[k])).flat();
}

const optimizers: readonly Optimizer[] = [
  {
    name: 'Adagrad',
    states: 1,
    rule: (node, R, T) => {
      const [rate, epsilon] = [R / (1 + T * realOf(node, 'decay_factor', 0)), realOf(node, 'epsilon', 1e-6)];
      return (x, g, [h]) => {
        const squares = h + g * g;
        return [x - (rate * g) / (Math.sqrt(squares) + epsilon), squares];
      };
    },
  },
  {
    name: 'Adam',
    states: 2,
    rule: (node, R, T) => {
      const [alpha, beta] = [realOf(node, 'alpha', 0.9), realOf(node, 'beta', 0.999)];
      const [epsilon, post] = [realOf(node, 'epsilon', 1e-6), realOf(node, 'norm_coefficient_post', 0)];
      const rate = T > 0 ? (R * Math.sqrt(1 - beta ** T)) / (1 - alpha ** T) : R;
      return (x, g, [v, h]) => {
        const [mean, squares] = [alpha * v + (1 - alpha) * g, beta * h + (1 - beta) * g * g];
        return [(1 - post) * (x - (rate * mean) / (Math.sqrt(squares) + epsilon)), mean, squares];
      };
    },
  },
  {
    name: 'Momentum',
    states: 1,
    rule: (node, R, T) => {
      const [alpha, beta] = [realOf(node, 'alpha', 0), T > 0 ? realOf(node, 'beta', 1) : 1];
      const isNesterov = textOf(node, 'mode', 'standard') === 'nesterov';
      return (x, g, [v]) => {
        const speed = alpha * v + beta * g;
        return [x - R * (isNesterov ? g + alpha * speed : speed), speed];
      };
    },
  },
];

export const optimizerOperators: readonly Operator[] = optimizers.flatMap((optimizer) =>
  define([[1, lastOpset, floatDTypes]], {
    name: optimizer.name,
    domain: 'ai.onnx.preview.training',
    infer: (node, inputs) => infer(node, inputs, optimizer),
    evaluate: (node, inputs) => evaluate(node, inputs, optimizer),
  }),
);
