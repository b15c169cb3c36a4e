import assert from 'node:assert/strict';
import type { BoundParams } from '../../src/runtime/step-kind.js';
import { coalesce } from '../../src/runtime/step-kinds/box.js';
import { stepKinds } from '../../src/runtime/step-kinds.js';

const encode = (kind: string, params: BoundParams) => stepKinds.get(kind)!.encode(params, [64, 128, 192, 256]);

const refused = (message: RegExp) => ({ name: 'KerfError', code: 'PACKAGE_INVALID', message });

describe('step kinds', () => {
  it('have an opcode of their own each, but for two whose functions are numbered on', () => {
    const opcodes = [...stepKinds].flatMap(([kind, { opcode }]) => (kind === 'select' ? [] : [opcode]));
    assert.equal(new Set(opcodes).size, opcodes.length);
    const box = { dims: [2], stridesA: [1], stridesB: [1] };
    const numbers = ['add', 'sub', 'mul', 'div', 'max', 'min', 'pow'].map((f) => encode('binary', { f, ...box })[4]);
    const picks = ['nonzero', 'nan'].map((f) => encode('select', { f, ...box, stridesC: [0] })[4]);
    assert.equal(stepKinds.get('select')?.opcode, stepKinds.get('binary')?.opcode);
    assert.deepEqual([...numbers, ...picks], [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('refuse params that are missing, not whole, negative or unknown', () => {
    const unary = { f: 'relu', count: 1 };
    assert.throws(
      () => encode('unary', { f: 'relu' }),
      refused(/"count": invalid value: got undefined, expected a whole/),
    );
    assert.throws(() => encode('unary', { ...unary, count: 1.5 }), refused(/got 1.5/));
    assert.throws(() => encode('unary', { ...unary, count: -1 }), refused(/got -1/));
    assert.throws(() => encode('unary', { ...unary, count: 2 ** 31 }), refused(/got 2147483648/));
    assert.throws(
      () => encode('unary', { ...unary, f: 'sine' }),
      refused(/"f": invalid value: got sine, expected one of/),
    );
    assert.throws(() => encode('unary', { ...unary, alpha: 'x' }), refused(/"alpha": .* expected a number/));
    const box = { f: 'add', dims: [2, 3], stridesA: [3, 1], stridesB: [0, 1] };
    assert.throws(() => encode('binary', { ...box, stridesA: [1] }), refused(/as many numbers as dims/));
    assert.throws(() => encode('binary', { ...box, stridesB: [0, -1] }), refused(/at most 8 whole numbers >= 0/));
    assert.throws(() => encode('binary', { ...box, dims: new Array(9).fill(1) }), refused(/at most 8/));
    const copy = { elementBytes: 3, dims: [1], srcStrides: [1], dstStrides: [1] };
    assert.throws(() => encode('copy', copy), refused(/"elementBytes": invalid value: got 3/));
  });

  it('say when dtypes do not fit the params, which count in elements', () => {
    const problem = (kind: string, params: BoundParams, ...dtypes: ('float32' | 'uint8' | 'int64' | 'int32')[]) =>
      stepKinds.get(kind)!.dtypeProblem!(params, dtypes);
    assert.equal(problem('copy', {}, 'float32', 'int32'), null);
    assert.match(problem('copy', { elementBytes: 8 }, 'float32', 'int64')!, /got float32, expected 8 bytes/);
    assert.equal(problem('gather', { elementBytes: 1 }, 'uint8', 'int32', 'uint8'), null);
    assert.match(problem('gather', { elementBytes: 8 }, 'int64', 'int32', 'uint8')!, /got uint8/);
    assert.equal(problem('cast', { from: 'int64', to: 'float32' }, 'int64', 'float32'), null);
    assert.match(problem('cast', { from: 'int64', to: 'float32' }, 'uint8', 'float32')!, /got uint8 to float32/);
  });

  it('refuse windows that would lead the kernel astray', () => {
    const one = [1, 1, 1];
    const sizes = {
      input: [1, 4, 4],
      kernel: [1, 2, 2],
      strides: one,
      dilations: one,
      pads: [0, 0, 0],
      output: [1, 3, 3],
    };
    const conv = { N: 1, groups: 1, C: 1, O: 1, ...sizes, tile: [3, 3] };
    const problem = (params: BoundParams) => stepKinds.get('conv')!.dtypeProblem!({ ...conv, ...params }, []);
    assert.equal(problem({}), null);
    assert.match(problem({ tile: [3] })!, /"tile": got 1, expected 2/);
    assert.match(problem({ pads: [0, 0] })!, /"pads": got 2, expected 3/);
    for (const name of ['kernel', 'strides', 'dilations']) assert.match(problem({ [name]: [1, 0, 1] })!, /of 0/);
    assert.match(problem({ tile: [0, 3] })!, /of 0/);
    assert.match(problem({ pads: [0, 0, 2 ** 31 - 1] })!, /too large/);
    assert.match(problem({ output: [1, 2 ** 16, 2 ** 16] })!, /too large/);
    assert.match(problem({ tile: [2 ** 16, 2 ** 16] })!, /too large/);
  });

  it('declare regions in f64, so that no product wraps', () => {
    const big = 2 ** 31 - 1;
    const ends = (kind: string, params: BoundParams) =>
      stepKinds
        .get(kind)!
        .regions(params)
        .map(({ end }) => end);
    assert.deepEqual(ends('reduce', { f: 'sum', outer: big, axis: big, inner: 1 }), [big * big, big]);
    assert.equal(ends('gemm', { M: big, N: 1, K: 3, ldx: big })[0], (big - 1) * big + 3);
    assert.equal(ends('embedding-bag', { mode: 'sum', M: 1, L: 1, V: big, D: 1024 })[1], big * 1024);
  });

  it('count work where a dim of the sum is empty', () => {
    const work = (kind: string, params: BoundParams) => stepKinds.get(kind)!.work(params);
    assert.equal(work('gemm', { M: 5, N: 7, K: 3, R: 2, batches: 2 }), 350);
    assert.equal(work('gemm', { M: 5, N: 7, K: 0 }), 35);
    assert.equal(work('reduce', { f: 'sum', outer: 5, axis: 0, inner: 2 }), 10);
    assert.equal(work('embedding-bag', { mode: 'sum', M: 3, L: 4, V: 9, D: 5 }), 60);
  });
});

describe('coalesce', () => {
  it('drops dims of 1 and merges dims that all operands run through without a gap', () => {
    assert.deepEqual(coalesce([2, 3, 4], [[12, 4, 1]]), { dims: [24], strides: [[1]] });
    assert.deepEqual(
      coalesce(
        [2, 1, 4],
        [
          [8, 99, 1],
          [4, 7, 1],
        ],
      ),
      {
        dims: [2, 4],
        strides: [
          [8, 1],
          [4, 1],
        ],
      },
    );
    assert.deepEqual(
      coalesce(
        [2, 3, 4],
        [
          [12, 4, 1],
          [0, 4, 1],
        ],
      ),
      {
        dims: [2, 12],
        strides: [
          [12, 1],
          [0, 1],
        ],
      },
    );
    assert.deepEqual(
      coalesce(
        [3, 5],
        [
          [0, 0],
          [5, 1],
        ],
      ),
      { dims: [15], strides: [[0], [1]] },
    );
  });

  it('keeps one dim', () => {
    assert.deepEqual(coalesce([], [[]]), { dims: [1], strides: [[1]] });
    assert.deepEqual(coalesce([1, 1], [[3, 3]]), { dims: [1], strides: [[1]] });
    assert.deepEqual(coalesce([4, 0, 2], [[2, 2, 1]]), { dims: [0], strides: [[1]] });
  });
});
