/** Sizes that a model names apart and uses as one, and ranges whose ends are sizes: for any sizes, as ONNX has them. */
import assert from 'node:assert/strict';
import { withAgreeingSizes } from '../../../src/graph/agreeing-sizes.js';
import { canonicalise } from '../../../src/graph/canonicalise.js';
import type { Graph, Node } from '../../../src/graph/graph.js';
import { createSessionFromModel } from '../../../src/pipeline.js';
import { buildPlan } from '../../../src/plan/build-plan.js';
import { bindPlan } from '../../../src/runtime/bind-plan.js';
import { formatExtent } from '../../../src/runtime/extent.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { withCode } from '../../support/codes.js';
import { type GraphParts, graphOf, int64, node, port } from '../../support/graph.js';
import { Random } from '../../support/random.js';

const sessionOf = (graph: Graph) =>
  createSessionFromModel({ graph, format: 'onnx', sha256: '' } as never, { executor: 'wasm' });

const agree = (graph: Graph) => withAgreeingSizes(graph, (agreeing) => buildPlan(canonicalise(agreeing)));

/** Shapes of the inputs as a person writes them. */
const shapesOf = (graph: Graph) => graph.inputs.map(({ shape }) => shape.map(formatExtent).join(','));

const counted = (...dims: readonly number[]) => {
  const size = dims.reduce((product, dim) => product * dim, 1);
  return new Tensor(
    'float32',
    Float32Array.from({ length: size }, (_, i) => i + 1),
    dims,
  );
};

/** y = concat(past, x) + mask, whose last axes are P, S and M. */
const masked = graphOf({
  inputs: [port('mask', ['B', 'M']), port('past', ['B', 'P']), port('x', ['B', 'S'])],
  outputs: ['y'],
  nodes: [node('Concat', ['past', 'x'], 'all', { axis: 1 }), node('Add', ['all', 'mask'], 'y')],
});

describe('withAgreeingSizes', () => {
  it('takes a name for the sum that it is added to', () => {
    const { graph, made } = agree(masked);
    assert.deepEqual(shapesOf(graph), ['B,P + S', 'B,P', 'B,S']);
    assert.deepEqual(made.symbols, ['B', 'P', 'S']);
  });

  it('takes one of two names, and a name for a number', () => {
    const parts: GraphParts = {
      inputs: [port('a', ['B', 'S']), port('b', ['N', 'T'])],
      outputs: ['y'],
      nodes: [node('Add', ['a', 'b'], 'ab'), node('Mul', ['ab', 'c'], 'y')],
      constants: { c: counted(5) },
    };
    assert.deepEqual(shapesOf(agree(graphOf(parts)).graph), ['B,5', 'B,5']);
  });

  it('takes what is sliced from the front up to a size for the whole, unless that is not wanted', () => {
    const graph = graphOf({
      inputs: [port('mask', ['M']), port('x', ['S'])],
      outputs: ['y'],
      nodes: [
        node('Shape', ['x'], 'size'),
        node('Slice', ['mask', 'zero', 'size'], 'front'),
        node('Mul', ['front', 'x'], 'y'),
      ],
      constants: { zero: int64(0) },
    });
    assert.deepEqual(shapesOf(agree(graph).graph), ['M', 'M']);
    assert.throws(() => withAgreeingSizes(graph, canonicalise, () => false), withCode('SHAPE_UNSUPPORTED'));
    const session = sessionOf(graph);
    for (const M of [3, 5])
      assert.deepEqual([...session.runSync({ mask: counted(M), x: counted(3) }).y.data], [1, 4, 9]);
  });

  it('leaves a graph alone whose sizes agree', () => {
    const graph = graphOf({ inputs: [port('a', ['B', 3])], outputs: ['y'], nodes: [node('Relu', ['a'], 'y')] });
    assert.equal(agree(graph).graph, graph);
  });

  it('does not take a name for what would leave another unread, or for less than nothing', () => {
    // P + S = 2 Q: no name can be read off a sum.
    const twice = graphOf({
      inputs: [port('past', ['P']), port('x', ['S']), port('q', ['Q'])],
      outputs: ['y'],
      nodes: [
        node('Concat', ['past', 'x'], 'all', { axis: 0 }),
        node('Concat', ['q', 'q'], 'both', { axis: 0 }),
        node('Add', ['all', 'both'], 'y'),
      ],
    });
    assert.throws(() => agree(twice), withCode('SHAPE_UNSUPPORTED'));
  });
});

describe('sessions for any sizes', () => {
  it('run sizes that agree on one plan, and those that broadcast instead', () => {
    const session = sessionOf(masked);
    for (const [P, S, M] of [
      [2, 3, 5],
      [0, 3, 3],
      [2, 3, 1],
      [4, 1, 5],
    ]) {
      const { y } = session.runSync({ mask: counted(2, M), past: counted(2, P), x: counted(2, S) });
      const expected = Array.from({ length: 2 * (P + S) }, (_, i) => {
        const [row, column] = [Math.floor(i / (P + S)), i % (P + S)];
        const value = column < P ? row * P + column + 1 : row * S + column - P + 1;
        return value + row * M + (M === 1 ? 0 : column) + 1;
      });
      assert.deepEqual([...y.data], expected);
    }
    assert.equal(session.stats().runs, 4);
    assert.throws(
      () => session.runSync({ mask: counted(2, 4), past: counted(2, 2), x: counted(2, 3) }),
      withCode('SHAPE_MISMATCH'),
    );
  });

  it('bind a plan to sizes that grow one by one as they bind one that was never bound', () => {
    const plan = agree(masked).made;
    for (const [B, P, S] of [
      [2, 0, 3],
      [2, 1, 3],
      [2, 1, 4],
      [3, 1, 4],
      [3, 1, 4],
      [2, 0, 3],
    ]) {
      const bindings = new Map(Object.entries({ B, P, S }));
      assert.deepEqual(bindPlan(plan, bindings), bindPlan(structuredClone(plan), bindings));
    }
  });

  it('run on a pool, and what does not fit its plan on the calling thread', async () => {
    const session = createSessionFromModel({ graph: masked, format: 'onnx', sha256: '' } as never, {
      executor: 'pool',
      threads: 2,
    });
    for (const M of [5, 1]) {
      const { y } = await session.run({ mask: counted(2, M), past: counted(2, 2), x: counted(2, 3) });
      assert.deepEqual(y.dims, [2, 5]);
      assert.equal(y.data[9], 6 + 2 * M);
    }
    await session.release();
  });

  it('slice between sizes as ONNX does, also where these are 0 or too large', async () => {
    // Sizes as the network computes them: S, -S, P, P + S.
    const sizes: readonly Node[] = [
      node('Shape', ['s'], 'S'),
      node('Shape', ['p'], 'P'),
      node('Neg', ['S'], 'minusS'),
      node('Add', ['P', 'S'], 'PS'),
    ];
    const numbers: Readonly<Record<string, (P: number, S: number) => number>> = {
      zero: () => 0,
      one: () => 1,
      two: () => 2,
      last: () => -1,
      all: () => 2 ** 40,
      S: (_, S) => S,
      minusS: (_, S) => -S,
      P: (P) => P,
      PS: (P, S) => P + S,
    };
    const constants = { zero: int64(0), one: int64(1), two: int64(2), last: int64(-1), all: int64(2 ** 40) };
    let planned = 0;
    for (const length of ['M', 3]) {
      for (const start of Object.keys(numbers)) {
        for (const end of Object.keys(numbers)) {
          const graph = graphOf({
            inputs: [port('x', [2, length, 2]), port('s', ['S']), port('p', ['P'])],
            outputs: ['y', 'read'],
            nodes: [
              ...sizes,
              node('Slice', ['x', start, end, 'one'], 'y'),
              node('Concat', ['s', 'p'], 'read', { axis: 0 }),
            ],
            constants,
          });
          try {
            buildPlan(canonicalise(graph));
            planned++;
          } catch {}
          const session = sessionOf(graph);
          for (const M of length === 'M' ? [0, 1, 3] : [3]) {
            const x = counted(2, M, 2);
            for (const P of [0, 1, 2]) {
              for (const S of [0, 1, 3]) {
                const { y } = session.runSync({ x, s: counted(S), p: counted(P) });
                // Array's slice counts and clamps as ONNX does.
                const rows = Array.from({ length: M }, (_, i) => i).slice(
                  numbers[start](P, S),
                  end === 'all' ? M : numbers[end](P, S),
                );
                const expected = [0, 1].flatMap((b) => rows.flatMap((i) => [0, 1].map((c) => (b * M + i) * 2 + c + 1)));
                const where = `${start}:${end} of ${length}, M = ${M}, P = ${P}, S = ${S}`;
                assert.deepEqual([y.dims, [...y.data]], [[2, rows.length, 2], expected], where);
              }
            }
          }
          await session.release();
        }
      }
    }
    // The others need a plan for each of the sizes.
    assert.equal(planned, 47);
  });

  it('multiply by matrices with any number of columns', () => {
    const graph = graphOf({
      inputs: [port('a', ['B', 2, 3]), port('b', ['B', 3, 'N'])],
      outputs: ['y'],
      nodes: [node('MatMul', ['a', 'b'], 'y')],
    });
    assert.deepEqual(buildPlan(canonicalise(graph)).symbols, ['B', 'N']);
    const session = sessionOf(graph);
    for (const B of [1, 3]) {
      for (let N = 0; N <= 40; N++) {
        const [a, b] = [counted(B, 2, 3), counted(B, 3, N)];
        const { y } = session.runSync({ a, b });
        // Small whole numbers: every sum is exact.
        const expected = Array.from({ length: B * 2 * N }, (_, i) => {
          const [stack, m, n] = [Math.floor(i / (2 * N)), Math.floor(i / N) % 2, i % N];
          return [0, 1, 2].reduce(
            (sum, k) => sum + a.data[(stack * 2 + m) * 3 + k] * b.data[(stack * 3 + k) * N + n],
            0,
          );
        });
        assert.deepEqual([...y.data], expected, `B = ${B}, N = ${N}`);
      }
    }
  });

  it('read a piece of a table of positions behind a past, up to its end', () => {
    const scalar = (name: string, from: string) => node('Squeeze', [from], name);
    const graph = graphOf({
      inputs: [port('x', ['S', 2]), port('past', ['P'])],
      outputs: ['y', 'z'],
      nodes: [
        node('Shape', ['x'], 'S', { end: 1 }),
        node('Shape', ['past'], 'P'),
        node('Add', ['P', 'S'], 'end'),
        scalar('from', 'P'),
        scalar('to', 'end'),
        node('Range', ['from', 'to', 'by'], 'positions'),
        node('Unsqueeze', ['positions', 'axis'], 'rows'),
        node('Gather', ['table', 'rows'], 'embedded', { axis: 0 }),
        node('Add', ['x', 'embedded'], 'y'),
        node('Relu', ['past'], 'z'),
      ],
      constants: {
        by: new Tensor('int64', BigInt64Array.of(1n), []),
        axis: int64(0),
        table: counted(6, 2),
      },
    });
    const { steps } = buildPlan(canonicalise(graph));
    assert.ok(steps.every(({ kind }) => kind !== 'reference'));
    const session = sessionOf(graph);
    const run = (S: number, P: number) => session.runSync({ x: counted(S, 2), past: counted(P) });
    for (const [S, P] of [
      [3, 0],
      [1, 3],
      [2, 4],
      [6, 0],
    ]) {
      const expected = Array.from({ length: 2 * S }, (_, i) => i + 1 + 2 * P + i + 1);
      assert.deepEqual([...run(S, P).y.data], expected);
    }
    assert.throws(() => run(2, 5), withCode('DATA_INVALID'));
    assert.deepEqual([...run(2, 4).y.data], [10, 12, 14, 16]);
  });

  it('run a decoder token by token on one plan, to the scores of all tokens at once', () => {
    const random = new Random(5);
    const matrix = (rows: number, columns: number) =>
      new Tensor('float32', random.floats(rows * columns), [rows, columns]);
    const tril = Uint8Array.from({ length: 64 }, (_, i) => Number(i % 8 <= Math.floor(i / 8)));
    const sizeOf = (name: string, of: string, axis: number) =>
      node('Shape', [of], name, { start: axis, end: axis + 1 });
    const graph = graphOf({
      inputs: [
        port('ids', ['B', 'S'], 'int64'),
        port('mask', ['B', 'P + 1']),
        port('pastK', ['B', 'P', 4]),
        port('pastV', ['B', 'P', 4]),
      ],
      outputs: ['scores', 'K', 'V'],
      nodes: [
        node('Gather', ['table', 'ids'], 'x'),
        ...['q', 'k', 'v'].map((name) => node('MatMul', ['x', `W${name}`], name)),
        node('Concat', ['pastK', 'k'], 'K', { axis: 1 }),
        node('Concat', ['pastV', 'v'], 'V', { axis: 1 }),
        node('Transpose', ['K'], 'Kt', { perm: [0, 2, 1] }),
        node('MatMul', ['q', 'Kt'], 'products'),
        // Rows P to P + S of the triangle, as far as there are keys.
        sizeOf('S', 'q', 1),
        sizeOf('T', 'K', 1),
        node('Sub', ['T', 'S'], 'from'),
        node('Slice', ['tril', 'from', 'T', 'rows', 'one'], 'triangle'),
        node('Slice', ['triangle', 'zero', 'T', 'columns', 'one'], 'seen'),
        node('Where', ['seen', 'products', 'hidden'], 'causal'),
        node('Sub', ['unit', 'mask'], 'left'),
        node('Mul', ['left', 'hidden'], 'added'),
        node('Unsqueeze', ['added', 'one'], 'addend'),
        node('Add', ['causal', 'addend'], 'masked'),
        node('Softmax', ['masked'], 'shares', { axis: -1 }),
        node('MatMul', ['shares', 'V'], 'y'),
        node('MatMul', ['y', 'Wo'], 'scores'),
      ],
      constants: {
        ...{ table: matrix(11, 4), Wq: matrix(4, 4), Wk: matrix(4, 4), Wv: matrix(4, 4), Wo: matrix(4, 11) },
        ...{ tril: new Tensor('bool', tril, [8, 8]), zero: int64(0), one: int64(1), rows: int64(0), columns: int64(1) },
        hidden: new Tensor('float32', Float32Array.of(-3.4028234663852886e38), []),
        unit: new Tensor('float32', Float32Array.of(1), []),
      },
    });
    const { graph: agreeing, made: plan } = agree(graph);
    assert.deepEqual(shapesOf(agreeing), ['B,S', 'B,P + S', 'B,P,4', 'B,P,4']);
    assert.ok(plan.steps.every(({ kind }) => kind !== 'reference'));
    const session = sessionOf(graph);
    const ids = Array.from({ length: 16 }, () => random.integer(0, 10));
    const run = (from: number, count: number, past: readonly Tensor[]) => {
      const [pastK, pastV] = past;
      const tokens = [0, 1].flatMap((b) => ids.slice(8 * b + from, 8 * b + from + count));
      const mask = new Tensor('float32', new Float32Array(2 * (from + count)).fill(1), [2, from + count]);
      return session.runSync({ ids: int64(...tokens).reshape([2, count]), mask, pastK, pastV });
    };
    const none = [counted(2, 0, 4), counted(2, 0, 4)];
    const whole = run(0, 8, none).scores;
    let past: readonly Tensor[] = none;
    let from = 0;
    for (const count of [3, 1, 1, 2, 1]) {
      const { scores, K, V } = run(from, count, past);
      for (const b of [0, 1]) {
        const expected = whole.data.slice((b * 8 + from) * 11, (b * 8 + from + count) * 11) as Float32Array;
        const got = scores.data.slice(b * count * 11, (b + 1) * count * 11) as Float32Array;
        // Sums of up to 8 positions, in another order where they are padded.
        for (const [i, value] of expected.entries()) assert.ok(Math.abs(got[i] - value) <= 2e-6, `${got[i]}, ${value}`);
      }
      past = [K, V];
      from += count;
    }
    // The triangle has 8 rows.
    assert.throws(() => run(0, 1, [counted(2, 8, 4), counted(2, 8, 4)]));
  });
});
