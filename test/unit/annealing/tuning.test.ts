/** Tuning: the gradients of the weights, and that what is kept does better on rows set aside. */
import assert from 'node:assert/strict';
import type { AnnealOptions } from '../../../src/annealing/context.js';
import type { Decision } from '../../../src/annealing/decision.js';
import { setAside, Tuner, trainingGraph } from '../../../src/annealing/tuning/index.js';
import { createCompile, createEvaluate } from '../../../src/evaluate-graph.js';
import type { Graph, Model } from '../../../src/graph/graph.js';
import { encodePackage } from '../../../src/package/kerf-writer.js';
import { decompose } from '../../../src/pipeline.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createRandom } from '../../oracle/random.js';
import { withCode } from '../../support/codes.js';
import { makeGraph, matrix, mlp, node, normalRows, randomLayer, vector } from '../../support/networks.js';

const compile = createCompile(new Map());
const evaluate = createEvaluate();
const argmax: Decision = { kind: 'argmax' };
const layer = (seed: number, out: number, inputs: number) => randomLayer(createRandom(seed), out, inputs, () => true);
const whole = (...values: number[]) => new Tensor('int64', BigInt64Array.from(values, BigInt), [values.length]);

/** Two layers, the second in two blocks on pieces of the first's units in another order. */
function blocksGraph(): Graph {
  const [a, b, c] = [layer(1, 6, 5), layer(2, 2, 3), layer(3, 2, 2)];
  const pick = { ...node('pick', 'Gather', ['r', 'order'], 'p'), attributes: new Map([['axis', -1]]) };
  const split = {
    ...node('split', 'Split', ['p', 'sizes'], 's1'),
    outputs: ['s1', 's2'],
    attributes: new Map([['axis', -1]]),
  };
  const slice = node('slice', 'Slice', ['p', 'first', 'end', 'axes'], 's3');
  const concat = { ...node('y', 'Concat', ['z1', 'z3', 'z2']), attributes: new Map([['axis', -1]]) };
  return makeGraph(
    { x: 5 },
    [
      node('fc1', 'Linear', ['x', 'w1', 'b1'], 'h', 'kerf'),
      node('relu', 'Tanh', ['h'], 'r'),
      pick,
      split,
      slice,
      node('fc2', 'Linear', ['s1', 'w2', 'b2'], 'z1', 'kerf'),
      node('fc3', 'Linear', ['s2', 'w3', 'b3'], 'z2', 'kerf'),
      node('fc4', 'Linear', ['s3', 'w2'], 'z3', 'kerf'),
      concat,
    ],
    {
      ...{ w1: matrix(a.weight), b1: vector(a.bias), w2: matrix(b.weight), b2: vector(b.bias) },
      ...{ w3: matrix(c.weight), b3: vector(c.bias), order: whole(4, 2, 5, 0, 3), sizes: whole(3, 2) },
      ...{ first: whole(1), end: whole(4), axes: whole(1) },
    },
  );
}

describe('training graph', () => {
  const rows = { x: normalRows(5, 7, 5) };

  for (const [name, decision] of [
    ['centred scores', argmax],
    ['scores as they are', { kind: 'error', limit: 0.1 }],
  ] as const) {
    it(`has the gradients of all weights, those of blocks and shared ones too: ${name}`, async () => {
      const graph = blocksGraph();
      const training = trainingGraph(graph, decision)!;
      assert.deepEqual(training.parameters.map((one) => one.name).sort(), ['b1', 'b2', 'b3', 'w1', 'w2', 'w3']);
      const [step, measure] = [compile(training.step), compile(training.measure)];
      const weights = Object.fromEntries(
        training.parameters.map((one) => [one.name, graph.initializers.get(one.name)!]),
      );
      const aim = new Tensor('float32', new Float32Array(7 * 6), [7, 6]);
      const weight = new Tensor(
        'float32',
        Float32Array.from({ length: 7 }, (_, row) => (row + 1) / 28),
        [7, 1],
      );
      const feeds = { ...rows, [training.target]: aim, [training.weight]: weight };
      const outputs = await step.run({ ...feeds, ...weights });
      const lossOf = async (changed: object) =>
        Number((await measure.run({ ...feeds, ...weights, ...changed }))[training.loss].data[0]);
      const { y } = await evaluate(graph, rows);
      const want = Array.from({ length: 7 }, (_, row) => {
        const own = [...(y.data as Float32Array).subarray(6 * row, 6 * row + 6)];
        const mean = decision.kind === 'argmax' ? own.reduce((sum, z) => sum + z, 0) / 6 : 0;
        return ((row + 1) / 28) * own.reduce((sum, z) => sum + (z - mean) ** 2, 0);
      });
      assert.ok(Math.abs((await lossOf({})) - want.reduce((sum, part) => sum + part, 0)) < 1e-5);
      for (const { name: parameter, gradient } of training.parameters) {
        const tensor = weights[parameter] as Tensor<'float32'>;
        for (let at = 0; at < tensor.size; at++) {
          const shifted = (by: number) => {
            const data = tensor.data.slice();
            data[at] += by;
            return lossOf({ [parameter]: new Tensor('float32', data, tensor.dims) });
          };
          const expected = ((await shifted(0.01)) - (await shifted(-0.01))) / 0.02;
          const got = 2 * Number(outputs[gradient].data[at]);
          // Differences of f32 sums over a step of .01, and curvature: 5e-4 of the loss's scale.
          assert.ok(
            Math.abs(got - expected) < 5e-4 * (1 + Math.abs(expected)),
            `${parameter} ${at}: ${got}, ${expected}`,
          );
        }
      }
    });
  }
});

describe('tuning', () => {
  const original = mlp([layer(6, 24, 16), layer(7, 4, 24)]);
  const rows = { x: normalRows(8, 640, 16) };
  const options = (overrides: Partial<AnnealOptions> = {}): AnnealOptions => ({
    ...{ calibration: rows, evaluate, compile, cost: () => 1, tune: 200, ...overrides },
  });

  /** The original with its first layer cut to ten units' worth of noise. */
  function rough(): Graph {
    const random = createRandom(9);
    const [name] = ['fc1.weight'];
    const weight = original.initializers.get(name) as Tensor<'float32'>;
    const data = weight.data.map((w) => w + 0.1 * random.normal());
    return {
      ...original,
      initializers: new Map([...original.initializers, [name, new Tensor('float32', data, weight.dims)]]),
    };
  }

  async function distance(graph: Graph): Promise<number> {
    const fresh = { x: normalRows(10, 500, 16) };
    const [a, b] = [(await evaluate(original, fresh)).y.data, (await evaluate(graph, fresh)).y.data];
    return (a as Float32Array).reduce((sum, value, i) => sum + (value - Number(b[i])) ** 2, 0);
  }

  it('comes nearer to the original on new rows, with the same bits each time', async () => {
    const { fitted, held } = setAside(rows, 0);
    assert.deepEqual([fitted.x.dims[0], held.x.dims[0]], [576, 64]);
    const [first, second] = [1, 2].map(() => new Tuner(original, fitted, held, argmax, options()));
    const [start, tuned, again] = [rough(), await first.tune(rough(), 'rough'), await second.tune(rough(), 'rough')];
    assert.ok(
      (await distance(tuned)) < 0.5 * (await distance(start)),
      `${await distance(tuned)} of ${await distance(start)}`,
    );
    assert.deepEqual([...again.initializers], [...tuned.initializers]);
    assert.deepEqual(tuned.nodes, start.nodes);
  });

  it('keeps what no step makes better, stops when told to, and says where it stands', async () => {
    const { fitted, held } = setAside(rows, 0);
    assert.equal(await new Tuner(original, fitted, held, argmax, options()).tune(original, 'itself'), original);
    const control = new AbortController();
    const seen: unknown[] = [];
    const onProgress = (progress: { done?: number }) => {
      seen.push(progress);
      if (progress.done === 3) control.abort();
    };
    const stopped = new Tuner(original, fitted, held, argmax, options({ signal: control.signal, onProgress }));
    await assert.rejects(stopped.tune(rough(), 'rough'), withCode('ABORTED'));
    assert.deepEqual(seen[3], { stage: 'tune rough', done: 3, total: 200 });
  });

  it('changes weights alone, under the same guard, and the same bytes come out again', async () => {
    const random = createRandom(11);
    // Of rank 4 and noise, so that a cheaper layer is close.
    const side = (n: number) => Array.from({ length: n }, () => Array.from({ length: 4 }, () => random.normal()));
    const [left, right] = [side(96), side(64)];
    const weight = left.map((u) =>
      right.map((v) => (u.reduce((sum, value, k) => sum + value * v[k], 0) + random.normal() / 4) / 16),
    );
    const wide = mlp([{ weight, bias: weight.map(() => 0.1) }, layer(12, 4, 96)]);
    const model: Model = { format: 'onnx', graph: wide, unsupported: [], sha256: '0'.repeat(64) };
    const data = { calibration: { x: normalRows(13, 700, 64) }, maxDisagreement: 0.2, cascade: 'off' } as const;
    const made = await decompose(model, { ...data, tune: 60 });
    assert.ok(made.summary.certificate.stages.some(({ name }) => name.endsWith(', tuned')));
    assert.deepEqual(
      encodePackage((await decompose(model, { ...data, tune: 60 })).package),
      encodePackage(made.package),
    );
    await assert.rejects(decompose(model, { tune: 60 }), withCode('OPTION_INVALID', '--tune', 'needs data'));
    await assert.rejects(decompose(model, { ...data, tune: 1.5 }), withCode('OPTION_INVALID', '--tune'));
    const fixed = { ...wide, inputs: [{ ...wide.inputs[0], shape: [1, 64] }] };
    await assert.rejects(
      decompose({ ...model, graph: fixed }, { ...data, tune: 60 }),
      withCode('OPTION_INVALID', 'fixed number'),
    );
  });
});
