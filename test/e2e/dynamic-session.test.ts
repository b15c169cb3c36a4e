/** Models whose sizes depend on the inputs of each run: a plan for each, kept and bounded. */
import assert from 'node:assert/strict';
import type { Graph } from '../../src/graph/graph.js';
import { createSessionFromModel } from '../../src/pipeline.js';
import { Specialiser } from '../../src/plan/specialise.js';
import { KerfError } from '../../src/runtime/errors.js';
import type { InferenceSession } from '../../src/runtime/inference-session.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { type GraphParts, graphOf, int64, node, port, ramp } from '../support/graph.js';

const sessionOf = (graph: Graph): InferenceSession =>
  createSessionFromModel({ format: 'onnx', graph, unsupported: [], sha256: '' }, { executor: 'wasm' });
const scalar = (value: number) => new Tensor('float32', Float32Array.of(value), []);

describe('sessions on models with sizes from inputs', () => {
  it('plans for the value of a Reshape target, again when it changes', async () => {
    const session = sessionOf(
      graphOf({
        inputs: [port('x', ['n', 6]), port('to', [2], 'int64')],
        outputs: ['y'],
        nodes: [node('Reshape', ['x', 'to'], 'r'), node('ReduceSum', ['r', 'axis'], 'y', { keepdims: 0 })],
        constants: { axis: int64(1) },
      }),
    );
    const x = new Tensor('float32', Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]), [2, 6]);
    assert.deepEqual([...(await session.run({ x, to: int64(3, 4) })).y.data], [10, 26, 42]);
    assert.deepEqual([...(await session.run({ x, to: int64(2, -1) })).y.data], [21, 57]);
    assert.deepEqual([...session.runSync({ x, to: int64(3, 4) }).y.data], [10, 26, 42]);
    assert.equal(session.stats().runs, 3);
    await assert.rejects(session.run({ x, to: int64(5, 5) }), (error: unknown) => {
      return error instanceof KerfError && error.code === 'SHAPE_MISMATCH' && error.message.includes('"r" (Reshape)');
    });
    assert.deepEqual([...(await session.run({ x, to: int64(1, 12) })).y.data], [78]);
    await session.release();
    await assert.rejects(session.run({ x, to: int64(1, 12) }), { code: 'SESSION_RELEASED' });
  });

  it('plans for the shapes of a run where symbols do not tell, and keeps plans by shape', async () => {
    const session = sessionOf(
      graphOf({
        inputs: [port('a', ['n']), port('b', ['m'])],
        outputs: ['y'],
        nodes: [node('Add', ['a', 'b'], 'y')],
      }),
    );
    for (let round = 0; round < 2; round++) {
      for (let n = 1; n <= 12; n++) {
        const y = session.runSync({ a: ramp(n), b: ramp(1) }).y;
        assert.deepEqual(
          [...y.data],
          [...ramp(n).data].map((value) => value + 0.5),
        );
      }
    }
    await assert.rejects(session.run({ a: ramp(2), b: ramp(3) }), { code: 'SHAPE_MISMATCH' });
  });

  it('takes clip bounds and a right factor that are computed', async () => {
    const session = sessionOf(
      graphOf({
        inputs: [port('x', ['n', 3]), port('w', [3, 20]), port('hi', [])],
        outputs: ['y'],
        nodes: [node('MatMul', ['x', 'w'], 'm'), node('Neg', ['hi'], 'lo'), node('Clip', ['m', 'lo', 'hi'], 'y')],
      }),
    );
    const w = new Tensor(
      'float32',
      Float32Array.from({ length: 60 }, (_, i) => (i % 3) - 1),
      [3, 20],
    );
    const x = new Tensor('float32', Float32Array.of(1, 2, 4), [1, 3]);
    const { y } = await session.run({ x, w, hi: scalar(2) });
    const product = (n: number) => (n % 3) - 1 + 2 * (((20 + n) % 3) - 1) + 4 * (((40 + n) % 3) - 1);
    const expected = Array.from({ length: 20 }, (_, n) => Math.min(Math.max(product(n), -2), 2));
    assert.deepEqual([...y.data], expected);
  });

  it('keeps apart the plans of 0 and of -0', async () => {
    const session = sessionOf(
      graphOf({
        inputs: [port('x', [1]), port('to', [1], 'int64'), port('v', [])],
        outputs: ['y'],
        nodes: [node('Clip', ['x', 'v', 'v'], 'c'), node('Reciprocal', ['c'], 'r'), node('Reshape', ['r', 'to'], 'y')],
      }),
    );
    const x = ramp(1);
    for (const [v, expected] of [
      [0, Number.POSITIVE_INFINITY],
      [-0, Number.NEGATIVE_INFINITY],
    ]) {
      const { y } = await session.run({ x, to: int64(1), v: scalar(v) });
      assert.deepEqual([...y.data], [expected]);
    }
  });

  it('refuses a long input that decides a shape, also behind a short one', async () => {
    const session = sessionOf(
      graphOf({
        inputs: [port('x', ['n'], 'int64')],
        outputs: ['y'],
        nodes: [node('ConstantOfShape', ['x'], 'c'), node('ReduceSum', ['c'], 'y', { keepdims: 0 })],
      }),
    );
    const { y } = await session.run({ x: int64(2, 3) });
    assert.deepEqual([...y.data], [0]);
    const long = new Tensor('int64', new BigInt64Array(4097).fill(1n), [4097]);
    await assert.rejects(session.run({ x: long }), { code: 'SHAPE_UNSUPPORTED' });
    await assert.rejects(session.run({ x: int64(2) }, { timeoutMs: -1 }), { code: 'OPTION_INVALID' });
  });

  it('follows a condition that is computed inside a loop', async () => {
    const truth = (value: number) => new Tensor('bool', Uint8Array.of(value), []);
    const branch = (op: string) =>
      graphOf({ inputs: [], outputs: [`${op}:y`], nodes: [node(op, ['state'], `${op}:y`)] });
    const body = graphOf({
      inputs: [port('turn', [], 'int64'), port('going', [], 'bool'), port('state', [2])],
      outputs: ['on', 'next'],
      nodes: [
        node('Identity', ['going'], 'on'),
        node('Greater', ['limit', 'none'], 'isOver'),
        node('If', ['isOver'], 'next', { then_branch: branch('Neg'), else_branch: branch('Abs') }),
      ],
      constants: { none: scalar(0) },
    });
    const session = sessionOf(
      graphOf({
        inputs: [port('x', [2]), port('limit', [])],
        outputs: ['y'],
        nodes: [node('Loop', ['turns', 'yes', 'x'], 'y', { body })],
        constants: { turns: new Tensor('int64', BigInt64Array.of(3n), []), yes: truth(1) },
      }),
    );
    const x = new Tensor('float32', Float32Array.of(1, -2), [2]);
    assert.deepEqual([...(await session.run({ x, limit: scalar(1) })).y.data], [-1, 2]);
    assert.deepEqual([...(await session.run({ x, limit: scalar(-1) })).y.data], [1, 2]);
  });

  it('plans once for each value of a condition where sizes stay open, and for sizes that do not fit', () => {
    const branch = (name: string, nodes: GraphParts['nodes']) =>
      graphOf({ inputs: [], outputs: [`${name}:all`], nodes });
    // With a past it stands in front of x; the mask is as long as both, or is one number for all.
    const graph = graphOf({
      inputs: [port('x', ['n', 2]), port('past', ['p', 2]), port('mask', ['m', 1]), port('hasPast', [1], 'bool')],
      outputs: ['y'],
      nodes: [
        node('If', ['hasPast'], 'all', {
          then_branch: branch('with', [node('Concat', ['past', 'x'], 'with:all', { axis: 0 })]),
          else_branch: branch('without', [node('Neg', ['x'], 'without:all')]),
        }),
        node('MatMul', ['all', 'W'], 'product'),
        node('Add', ['product', 'mask'], 'y'),
      ],
      constants: { W: new Tensor('float32', Float32Array.of(0, 1, 1, 0), [2, 2]) },
    });
    const counted = (...dims: readonly [number, number]) =>
      new Tensor(
        'float32',
        Float32Array.from({ length: dims[0] * dims[1] }, (_, i) => i + 1),
        dims,
      );
    const feedsOf = (n: number, p: number, m: number, hasPast: boolean) => ({
      x: counted(n, 2),
      past: counted(p, 2),
      mask: counted(m, 1),
      hasPast: new Tensor('bool', Uint8Array.of(Number(hasPast)), [1]),
    });
    const cases: readonly (readonly [number, number, number, boolean])[] = [
      [1, 2, 3, true],
      [2, 3, 5, true],
      [2, 3, 1, true],
      [3, 0, 3, false],
      [1, 4, 1, false],
      [4, 4, 8, true],
    ];
    const session = sessionOf(graph);
    const specialiser = new Specialiser(graph);
    const plans = new Set<unknown>();
    for (const one of cases) {
      const [n, p, m, hasPast] = one;
      const rows = [
        ...(hasPast ? [...counted(p, 2).data] : []),
        ...[...counted(n, 2).data].map((v) => (hasPast ? v : -v)),
      ];
      const expected = rows.map((_, i) => rows[i ^ 1] + (m === 1 ? 1 : (i >> 1) + 1));
      assert.deepEqual([...session.runSync(feedsOf(...one)).y.data], expected, `${one}`);
      plans.add(specialiser.specialise(feedsOf(...one), () => false).plan);
    }
    // One for each value, and one where the mask is one number.
    assert.equal(plans.size, 3);
  });

  it('refuses a pool for them by name', () => {
    const graph = graphOf({
      inputs: [port('x', ['n', 6]), port('to', [2], 'int64')],
      outputs: ['y'],
      nodes: [node('Reshape', ['x', 'to'], 'y')],
    });
    const model = { format: 'onnx', graph, unsupported: [], sha256: '' } as const;
    assert.throws(() => createSessionFromModel(model, { executor: 'pool' }), { code: 'OPTION_INVALID' });
  });
});
