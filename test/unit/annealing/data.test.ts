/** What rows may be counted: those that stand for themselves. */
import assert from 'node:assert/strict';
import { anneal } from '../../../src/annealing/anneal.js';
import { requireInputs, takeRows } from '../../../src/annealing/rows.js';
import { createEvaluate } from '../../../src/evaluate-graph.js';
import { countMacs } from '../../../src/graph/cost.js';
import type { Attribute, Graph } from '../../../src/graph/graph.js';
import type { Feeds } from '../../../src/runtime/executor.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createRandom } from '../../oracle/random.js';
import { graphOf, port } from '../../support/graph.js';
import { makeGraph, matrix, mlp, node, normalRows, randomLayer, vector } from '../../support/networks.js';

const evaluate = createEvaluate();
const nothingKnown = { tensors: [], units: [], paths: [], fdr: 0.05, seed: 0 };
const rows = (seed: number, n: number): Feeds => ({ x: normalRows(seed, n, 12) });
const settings = { evaluate, cost: (graph: Graph) => countMacs(graph), decision: 'argmax' };

/** x [batch, 12] -> Linear -> one more node. */
function ending(op: string, attributes: Record<string, Attribute>, initializers: Record<string, never> = {}): Graph {
  const { weight, bias } = randomLayer(createRandom(1), 6, 12, () => true);
  const last = { ...node('last', op, ['h'], 'y'), attributes: new Map(Object.entries(attributes)) };
  const linear = node('fc', 'Linear', ['x', 'W', 'b'], 'h', 'kerf');
  return makeGraph({ x: 12 }, [linear, last], { W: matrix(weight), b: vector(bias), ...initializers });
}

describe('networks that do not compute row by row', () => {
  const data = {
    ...settings,
    decision: 'error:0.05',
    calibration: rows(2, 600),
    guard: rows(3, 400),
    maxDisagreement: 0.2,
  };
  const refused = (pattern: RegExp) => ({ code: 'SHAPE_UNSUPPORTED', exitCode: 3, message: pattern });

  it('are refused where an output has no row for a sample', async () => {
    const noRow = refused(/output "y": it has no row for each sample: got \[/);
    for (const keepdims of [0, 1]) {
      const graph = ending('ReduceMean', { axes: [0], keepdims });
      await assert.rejects(anneal(graph, nothingKnown, data), noRow);
      await assert.rejects(anneal(graph, nothingKnown, { ...data, guard: null, calibration: rows(2, 1200) }), noRow);
    }
    await assert.rejects(anneal(ending('ReduceMean', { axes: [0, 1], keepdims: 0 }), nothingKnown, data), noRow);
  });

  it('are refused where a row depends on those beside it', async () => {
    const graph = ending('Softmax', { axis: 0 });
    await assert.rejects(anneal(graph, nothingKnown, data), refused(/output "y": a row depends on the rows beside it/));
  });

  it('are refused where a constant hides it, where all read one row, and where the number of rows is odd', async () => {
    const mixes = refused(/a row depends on the rows beside it/);
    const { weight, bias } = randomLayer(createRandom(1), 6, 12, () => true);
    const linear = node('fc', 'Linear', ['x', 'W', 'b'], 'h', 'kerf');
    const constants = { W: matrix(weight), b: vector(bias), far: vector([30, 30, 30, 30, 30, 30]) };
    const mean = { ...node('mean', 'ReduceMean', ['h'], 'm'), attributes: new Map([['axes', [0]]]) };
    const centred = [linear, mean, node('centre', 'Sub', ['h', 'm'], 'd'), node('shift', 'Add', ['d', 'far'], 'y')];
    const first = { first: new Tensor('int64', BigInt64Array.of(0n), [1]), ...constants };
    const gather = [linear, node('pick', 'Gather', ['h', 'first'], 'p'), node('add', 'Add', ['h', 'p'], 'y')];
    for (const graph of [makeGraph({ x: 12 }, centred, constants), makeGraph({ x: 12 }, gather, first)]) {
      for (const n of [400, 31]) {
        await assert.rejects(anneal(graph, nothingKnown, { ...data, guard: rows(3, n) }), mixes);
      }
    }
  });

  it('are annealed without data', async () => {
    const { certificate } = await anneal(ending('Softmax', { axis: 0 }), nothingKnown, {
      ...settings,
      calibration: null,
      guard: null,
    });
    assert.equal(certificate.bound, null);
  });
});

describe('numbers that are not finite', () => {
  it('are refused in floats of every width', () => {
    for (const [dtype, data] of [
      ['float32', Float32Array.of(1, Infinity)],
      ['float64', Float64Array.of(Number.NaN, 1)],
      ['float16', Uint16Array.of(0x3c00, 0xfc00)],
      ['bfloat16', Uint16Array.of(0x7fc0, 0x3f80)],
    ] as const) {
      const graph = graphOf({ inputs: [port('x', ['n', 1], dtype)], outputs: ['x'], nodes: [] });
      const check = (values: typeof data) =>
        requireInputs(graph, { x: new Tensor(dtype, values as never, [2, 1]) }, 'guard');
      assert.throws(() => check(data), { code: 'DATA_INVALID', message: /got 1 NaN or infinite of 2/ });
      check(data.slice().fill(0x3c00));
    }
  });
});

describe('a model with a fixed first axis', () => {
  it('takes any number of rows', async () => {
    const free = mlp([
      randomLayer(createRandom(4), 16, 12, () => true),
      randomLayer(createRandom(5), 4, 16, () => true),
    ]);
    const fixed = { ...free, inputs: free.inputs.map((port) => ({ ...port, shape: [8, ...port.shape.slice(1)] })) };
    const data = { ...settings, calibration: rows(2, 301), guard: rows(3, 123), maxDisagreement: 0.2 };
    const [one, other] = [await anneal(free, nothingKnown, data), await anneal(fixed, nothingKnown, data)];
    assert.deepEqual([other.certificate.n, other.certificate.rows], [123, 123]);
    assert.deepEqual({ ...other.certificate, stages: [] }, { ...one.certificate, stages: [] });
    const alone = { ...data, calibration: rows(2, 301), guard: null };
    assert.equal((await anneal(fixed, nothingKnown, alone)).certificate.n, 61);
  });
});

describe('rows that equal each other', () => {
  const graph = mlp([
    randomLayer(createRandom(4), 16, 12, () => true),
    randomLayer(createRandom(5), 4, 16, () => true),
  ]);
  const copies = (n: number, times: number) =>
    takeRows(
      rows(6, n),
      Array.from({ length: n * times }, (_, i) => i % n),
    );

  it('count once in a guard', async () => {
    const options = { ...settings, calibration: rows(7, 400), maxDisagreement: 0.1 };
    await assert.rejects(anneal(graph, nothingKnown, { ...options, guard: copies(8, 100) }), {
      code: 'GUARD_TOO_SMALL',
      message: /got 8, expected at least 29\..* Rows that equal each other count once/,
    });
    const { certificate } = await anneal(graph, nothingKnown, { ...options, guard: copies(60, 10) });
    assert.deepEqual([certificate.n, certificate.rows, certificate.repeats], [60, 600, 540]);
  });

  it('count once in a guard that is set aside, and stay out of it where they are calibrated on', async () => {
    const options = { ...settings, maxDisagreement: 0.1 };
    await assert.rejects(anneal(graph, nothingKnown, { ...options, calibration: copies(20, 100) }), {
      code: 'GUARD_TOO_SMALL',
    });
    const { certificate } = await anneal(graph, nothingKnown, { ...options, calibration: copies(200, 5) });
    assert.deepEqual([certificate.n, certificate.rows, certificate.repeats], [40, 200, 160]);
  });

  it('are what the caller says they are where groups are given', async () => {
    const guard = copies(8, 100);
    const groups = Array.from({ length: 800 }, (_, i) => i);
    const options = { ...settings, calibration: rows(7, 400), maxDisagreement: 0.1, guard, groups };
    const { certificate } = await anneal(graph, nothingKnown, options);
    assert.deepEqual([certificate.n, certificate.rows, certificate.repeats], [800, 800, 0]);
  });
});
