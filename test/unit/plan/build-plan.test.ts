import assert from 'node:assert/strict';
import { createSession } from '../../../src/executors/create-session.js';
import { canonicalise } from '../../../src/graph/canonicalise.js';
import type { Graph } from '../../../src/graph/graph.js';
import type { Part } from '../../../src/parts/parts.js';
import { buildPlan } from '../../../src/plan/build-plan.js';
import { checkPlan } from '../../../src/runtime/check-plan.js';
import { KerfError } from '../../../src/runtime/errors.js';
import { panelLength } from '../../../src/runtime/panels.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { withCode } from '../../support/codes.js';
import { graphOf, int64, node, port, ramp } from '../../support/graph.js';

const mlp = (): Graph =>
  graphOf({
    inputs: [port('x', ['batch', 6])],
    outputs: ['y'],
    nodes: [
      node('Gemm', ['x', 'w1', 'b1'], 'h'),
      node('Relu', ['h'], 'r'),
      node('MatMul', ['r', 'w2'], 'm'),
      node('Add', ['m', 'b2'], 'a'),
      node('Softmax', ['a'], 'y'),
    ],
    constants: { w1: ramp(6, 20), b1: ramp(20), w2: ramp(20, 3), b2: ramp(1, 3) },
  });

const plan = (graph: Graph) => {
  const built = buildPlan(canonicalise(graph));
  checkPlan(built);
  return built;
};

describe('buildPlan', () => {
  it('turns an MLP into gemm, gemm, softmax with packed weights, a fused clamp and rows', () => {
    const built = plan(mlp());
    assert.deepEqual(
      built.steps.map(({ kind }) => kind),
      ['gemm', 'gemm', 'softmax'],
    );
    const [first, second, last] = built.steps;
    assert.deepEqual(first.params, { M: [[1, 'batch']], N: 20, K: 6, lo: { real: 0 } });
    assert.deepEqual(second.params, { M: [[1, 'batch']], N: 3, K: 20 });
    assert.deepEqual(last.params, { f: 'softmax', outer: [[1, 'batch']], axis: 3, inner: 1 });
    assert.deepEqual(
      built.weights.map(({ name, layout, shape, data }) => [name, layout, shape, data.length]),
      [
        ['w1', 'panels', [20, 6], panelLength(20, 6)],
        ['w2', 'panels', [3, 20], panelLength(3, 20)],
      ],
    );
    assert.equal(built.rows, 'batch');
    assert.deepEqual(built.symbols, ['batch']);
    assert.deepEqual(built.parts, [{ id: 0, first: 0, end: 3, after: [] }]);
    assert.deepEqual(built.outputs[0].shape, [[[1, 'batch']], 3]);
  });

  it('gives views no step and no memory', () => {
    const built = plan(
      graphOf({
        inputs: [port('x', ['n', 2, 3])],
        outputs: ['y'],
        nodes: [
          node('Reshape', ['x', 'to'], 'flat'),
          node('Relu', ['flat'], 'r'),
          node('Unsqueeze', ['r', 'axis'], 'u'),
          node('Transpose', ['u'], 'y', { perm: [1, 0, 2] }),
        ],
        constants: { to: int64(-1, 6), axis: int64(0) },
      }),
    );
    assert.deepEqual(
      built.steps.map(({ kind }) => kind),
      ['unary'],
    );
    assert.equal(built.buffers.length, 2);
    assert.deepEqual(built.outputs[0].shape, [[[1, 'n']], 1, 6]);
  });

  it('copies an output that is an input or a constant', () => {
    const built = plan(
      graphOf({
        inputs: [port('x', ['n', 2])],
        outputs: ['x', 'y', 'c'],
        nodes: [node('Identity', ['x'], 'y')],
        constants: { c: ramp(3) },
      }),
    );
    assert.deepEqual(
      built.steps.map(({ kind }) => kind),
      ['copy', 'copy', 'copy'],
    );
    const buffers = built.outputs.map(({ buffer }) => buffer);
    assert.equal(new Set([...buffers, built.inputs[0].buffer]).size, 4);
  });

  it('follows Shape through Gather and Concat to Reshape without a step', () => {
    const built = plan(
      graphOf({
        inputs: [port('x', ['batch', 'time', 4])],
        outputs: ['y'],
        nodes: [
          node('Shape', ['x'], 's'),
          node('Gather', ['s', 'zero'], 'b'),
          node('Unsqueeze', ['b', 'axis'], 'b1'),
          node('Concat', ['b1', 'rest'], 'to', { axis: 0 }),
          node('Reshape', ['x', 'to'], 'flat'),
          node('Relu', ['flat'], 'y'),
        ],
        constants: { zero: new Tensor('int64', BigInt64Array.of(0n), []), axis: int64(0), rest: int64(-1) },
      }),
    );
    assert.deepEqual(
      built.steps.map(({ kind }) => kind),
      ['unary'],
    );
    assert.deepEqual(built.outputs[0].shape, [[[1, 'batch']], [[4, 'time']]]);
  });

  it('widens, repeats and resizes to sizes that the batch decides, as exporters ask for them', async () => {
    const built = plan(
      graphOf({
        inputs: [port('x', ['batch', 2, 2])],
        outputs: ['wide', 'tiled', 'large'],
        nodes: [
          node('Shape', ['x'], 's'),
          node('Slice', ['s', 'from', 'to'], 'b'),
          // [batch, -1, -1], where -1 stands for the size that there is: Expand knows no -1.
          node('Concat', ['b', 'minus', 'minus'], 'asked', { axis: 0 }),
          node('Equal', ['asked', 'minuses'], 'isMinus'),
          node('Where', ['isMinus', 'ones', 'asked'], 'sizes'),
          node('Expand', ['token', 'sizes'], 'wide'),
          node('Concat', ['b', 'two', 'one'], 'repeats', { axis: 0 }),
          node('Tile', ['token', 'repeats'], 'tiled'),
          node('Concat', ['b', 'two', 'four'], 'target', { axis: 0 }),
          node('Resize', ['x', '', '', 'target'], 'large', { mode: 'linear' }),
        ],
        constants: {
          from: int64(0),
          to: int64(1),
          minus: int64(-1),
          minuses: int64(-1, -1, -1),
          ones: int64(1, 1, 1),
          one: int64(1),
          two: int64(2),
          four: int64(4),
          token: ramp(1, 1, 3),
        },
      }),
    );
    assert.ok(built.steps.every(({ kind }) => kind !== 'reference'));
    const session = createSession(built, null, { executor: 'wasm' });
    for (const batch of [1, 3]) {
      const x = ramp(batch, 2, 2);
      const { wide, tiled, large } = await session.run({ x });
      const token = [...ramp(1, 1, 3).data];
      assert.deepEqual([wide.dims, [...wide.data]], [[batch, 1, 3], new Array(batch).fill(token).flat()]);
      assert.deepEqual([tiled.dims, [...tiled.data]], [[batch, 2, 3], new Array(2 * batch).fill(token).flat()]);
      const between = Array.from({ length: 2 * batch }, (_, row) => {
        const [a, b] = x.data.subarray(2 * row, 2 * row + 2);
        return [a, 0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b, b];
      });
      assert.deepEqual([large.dims, [...large.data]], [[batch, 2, 4], between.flat()]);
    }
    await session.release();
  });

  it('asks for the inputs where sizes may or may not be what they are compared with', () => {
    const sizes = (constant: number, changed: string) => () =>
      plan(
        graphOf({
          inputs: [port('x', ['batch', 2])],
          outputs: ['y'],
          nodes: [
            node('Shape', ['x'], 's'),
            node('Sub', ['s', 'change'], 'changed'),
            node('Equal', [changed, 'wanted'], 'isWanted'),
            node('Where', ['isWanted', 's', 'other'], 'sizes'),
            node('ConstantOfShape', ['sizes'], 'y'),
          ],
          constants: { wanted: int64(constant), change: int64(5), other: int64(3) },
        }),
      );
    for (const [constant, changed] of [
      [0, 's'],
      [2, 's'],
      [-1, 'changed'],
    ] as const) {
      assert.throws(sizes(constant, changed), { code: 'SHAPE_UNSUPPORTED' }, `${changed} = ${constant}`);
    }
    for (const [constant, changed] of [
      [-1, 's'],
      [-6, 'changed'],
    ] as const) {
      assert.deepEqual(sizes(constant, changed)().outputs[0].shape, [3, 3], `${changed} = ${constant}`);
    }
  });

  it('copies the first or last place of an axis of open size, and repeats a value to open sizes', async () => {
    const place = (index: number) => new Tensor('int64', BigInt64Array.of(BigInt(index)), []);
    const built = plan(
      graphOf({
        inputs: [port('x', ['batch', 'time', 2])],
        outputs: ['last', 'first', 'filled'],
        nodes: [
          node('Gather', ['x', 'm1'], 'last', { axis: 1 }),
          node('Gather', ['x', 'p0'], 'first', { axis: 1 }),
          node('Shape', ['x'], 's'),
          node('ConstantOfShape', ['s'], 'filled', { value: new Tensor('float32', Float32Array.of(7), [1]) }),
        ],
        constants: { m1: place(-1), p0: place(0) },
      }),
    );
    assert.deepEqual(new Set(built.steps.map(({ kind }) => kind)), new Set(['copy']));
    const session = createSession(built, null, { executor: 'wasm' });
    const run = async (...dims: number[]) => Object.values(await session.run({ x: ramp(...dims) }));
    for (const [batch, time] of [
      [3, 4],
      [2, 1],
      [1, 5],
    ]) {
      const [last, first, filled] = await run(batch, time, 2);
      const { data } = ramp(batch, time, 2);
      const at = (step: number) =>
        Array.from({ length: batch * 2 }, (_, i) => data[((i >> 1) * time + step) * 2 + (i & 1)]);
      assert.deepEqual([...last.data], at(time - 1));
      assert.deepEqual([...first.data], at(0));
      assert.deepEqual([filled.dims, [...filled.data]], [[batch, time, 2], new Array(batch * time * 2).fill(7)]);
    }
    await assert.rejects(run(3, 0, 2), withCode('PACKAGE_INVALID', 'invalid size', 'check the sizes of the inputs'));
    await session.release();
  });

  it('keeps rows apart: a reduction over the batch has none, one over the columns has', () => {
    const reduced = (axis: number) =>
      plan(
        graphOf({
          inputs: [port('x', ['batch', 4])],
          outputs: ['y'],
          nodes: [node('ReduceSum', ['x', 'axes'], 'm'), node('Add', ['x', 'm'], 'y')],
          constants: { axes: int64(axis) },
        }),
      ).rows;
    assert.equal(reduced(0), null);
    assert.equal(reduced(1), 'batch');
    assert.equal(reduced(-2), null);
  });

  it('groups steps by part and carries their order', () => {
    const graph = canonicalise(
      graphOf({
        inputs: [port('x', ['batch', 6])],
        outputs: ['y'],
        nodes: [
          node('MatMul', ['x', 'w1'], 'a'),
          node('MatMul', ['x', 'w2'], 'b'),
          node('Relu', ['a'], 'ra'),
          node('Relu', ['b'], 'rb'),
          node('Add', ['ra', 'rb'], 'y'),
        ],
        constants: { w1: ramp(6, 5), w2: ramp(6, 5) },
      }),
    );
    const part = (id: number, nodes: string[], after: number[]): Part => ({ id, nodes, after, parameters: 0, macs: 0 });
    const parts = [part(0, ['a', 'ra'], []), part(1, ['b'], []), part(2, ['rb', 'y'], [0, 1])];
    const built = buildPlan(graph, { parts });
    checkPlan(built);
    assert.deepEqual(
      built.steps.map(({ kind, node: name }) => `${kind} ${name}`),
      ['gemm a', 'gemm b', 'unary rb', 'binary y'],
    );
    assert.deepEqual(built.parts, [
      { id: 0, first: 0, end: 1, after: [] },
      { id: 1, first: 1, end: 2, after: [] },
      { id: 2, first: 2, end: 4, after: [0, 1] },
    ]);
    assert.deepEqual(built.steps[0].params.lo, { real: 0 });
    assert.equal(built.steps[1].params.lo, undefined);
  });

  it('makes a reference step of what has no kernel', () => {
    const built = plan(
      graphOf({
        inputs: [port('x', ['n', 2])],
        outputs: ['y'],
        nodes: [node('Sin', ['x'], 'y')],
      }),
    );
    const { kind, params } = built.steps[0];
    assert.equal(kind, 'reference');
    assert.equal(params.op, 'Sin');
    assert.deepEqual(params.readShapes, { json: [[[[1, 'n']], 2]] });
  });

  it('stores a constant once, and never two under one name', () => {
    const built = plan(
      graphOf({
        inputs: [port('x', [3, 3])],
        outputs: ['y', 'z'],
        nodes: [node('Mul', ['x', 'w'], 'm'), node('Add', ['m', 'w'], 'y'), node('MatMul', ['x', 'w'], 'z')],
        constants: { w: ramp(3, 3) },
        opset: 13,
      }),
    );
    const names = built.weights.map(({ name, layout }) => `${name} ${layout}`);
    assert.equal(new Set(built.weights.map(({ name }) => name)).size, names.length);
    assert.equal(names.filter((name) => name.endsWith('plain')).length, 1);
  });

  it('refuses a shape that depends on the batch with SHAPE_UNSUPPORTED', () => {
    const graph = graphOf({
      inputs: [port('x', ['n', 3])],
      outputs: ['y'],
      nodes: [node('Reshape', ['x', 'to'], 'y')],
      constants: { to: int64(2, -1, 2) },
    });
    assert.throws(
      () => plan(graph),
      (error: unknown) => error instanceof KerfError && error.code === 'SHAPE_UNSUPPORTED',
    );
    const bound = buildPlan(canonicalise({ ...graph, inputs: [port('x', [4, 3])] }));
    assert.deepEqual(bound.outputs[0].shape, [2, 3, 2]);
  });

  it('binds symbols on demand', () => {
    const built = buildPlan(canonicalise(mlp()), { bindings: new Map([['batch', 5]]) });
    assert.deepEqual(built.symbols, []);
    assert.equal(built.rows, null);
    assert.equal(built.steps[0].params.M, 5);
  });
});
