/** Layers whose output is normalised: their scale is free, their shape is not. */
import assert from 'node:assert/strict';
import { analyze } from '../../../src/evidence/index.js';
import type { Graph, Node } from '../../../src/graph/index.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createRandom } from '../../oracle/random.js';
import { freshNet } from '../../support/fresh-layers.js';
import { graphOf, node, port } from '../../support/graph.js';

const seed = Number(process.env['KERF_TEST_SEED'] ?? 1);
const [inputs, units] = [96, 64];

const ones = (value: number) => new Tensor('float32', new Float32Array(units).fill(value), [units]);
const scalar = (value: number) => new Tensor('float32', Float32Array.of(value), []);

/** What may stand between `h` and `r`. */
const normalisers: Record<string, Node[]> = {
  'LayerNorm, decomposed': [
    node('ReduceMean', ['h'], 'm', { axes: [-1] }),
    node('Sub', ['h', 'm'], 'c'),
    node('Pow', ['c', 'two'], 's'),
    node('ReduceMean', ['s'], 'v', { axes: [-1] }),
    node('Add', ['v', 'epsilon'], 'w'),
    node('Sqrt', ['w'], 'd'),
    node('Div', ['c', 'd'], 'n'),
    node('Mul', ['n', 'gamma'], 'g'),
    node('Add', ['g', 'beta'], 'r'),
  ],
  LayerNormalization: [node('LayerNormalization', ['h', 'gamma', 'beta'], 'r')],
  BatchNormalization: [node('BatchNormalization', ['h', 'gamma', 'beta', 'mu', 'var'], 'r')],
};

/** x -> layer -> normaliser -> relu -> layer, torch-linear; the first weight changed by `change`; further nodes, outputs. */
function network(
  kind: string,
  change: (w: number, i: number) => number,
  further: readonly Node[] = [],
  outputs: readonly string[] = ['y'],
): Graph {
  const [first, second] = freshNet('torch-linear', [inputs, units, 40], seed);
  return graphOf({
    inputs: [port('x', ['n', inputs])],
    outputs,
    nodes: [
      node('kerf.Linear', ['x', 'fc1.weight', 'fc1.bias'], 'h'),
      ...normalisers[kind],
      node('Relu', ['r'], 'a'),
      node('kerf.Linear', ['a', 'fc2.weight', 'fc2.bias'], 'y'),
      ...further,
    ],
    constants: {
      'fc1.weight': new Tensor('float32', first.weight.data.map(change), [units, inputs]),
      'fc1.bias': first.bias!,
      'fc2.weight': second.weight,
      'fc2.bias': second.bias!,
      ...{ gamma: ones(1), beta: ones(0), mu: ones(0), var: ones(1), two: scalar(2), epsilon: scalar(1e-5) },
    },
  });
}

describe(`scale-free layers (seed ${seed})`, () => {
  const verdictOf = async (graph: Graph, init: string) => {
    const { tensors } = await analyze(graph, { init });
    return tensors.find(({ name }) => name === 'fc1.weight')!;
  };

  for (const kind of Object.keys(normalisers)) {
    it(`says no-null before ${kind} whatever the scale, given the law and without it`, async () => {
      for (const init of ['torch-linear', 'auto']) {
        for (const scale of [0.5, 1, 1.2, 12.5]) {
          const { verdict, reason } = await verdictOf(
            network(kind, (w) => scale * w),
            init,
          );
          assert.equal(verdict, 'no-null', `${init} x ${scale}: ${reason}`);
          assert.match(reason, /scale/);
        }
      }
    });

    it(`judges the scale before ${kind} where others read the output too`, async () => {
      const beside = node('Add', ['h', 'r'], 'z');
      for (const graph of [
        network(kind, (w) => 2 * w, [beside], ['y', 'z']),
        network(kind, (w) => 2 * w, [], ['y', 'h']),
      ]) {
        const { verdict, reason } = await verdictOf(graph, 'torch-linear');
        assert.equal(verdict, 'moved', reason);
      }
    });

    it(`tells movement by shape before ${kind}`, async () => {
      const random = createRandom(seed);
      const moves = Float64Array.from({ length: units * inputs }, () => random.normal());
      const some = await verdictOf(
        network(kind, (w, i) => w + (i % 5 === 0 ? 0.15 * moves[i] : 0)),
        'torch-linear',
      );
      assert.equal(some.verdict, 'partly', some.reason);
      assert.match(some.reason, /normalised by .*shape/);
      const all = await verdictOf(
        network(kind, (w, i) => w + 0.3 * moves[i] ** 3),
        'torch-linear',
      );
      assert.equal(all.verdict, 'moved', all.reason);
    });
  }
});
