import assert from 'node:assert/strict';
import { compareOutputs, decisionKeys } from '../../src/annealing/comparison.js';
import { formatDecision, parseDecision } from '../../src/annealing/decision.js';
import type { Graph } from '../../src/graph/graph.js';
import { narrowToHalves } from '../../src/graph/operators/half.js';
import { Tensor } from '../../src/runtime/tensor.js';

const outputs = (dims: number[], ...data: number[]) => ({ y: new Tensor('float32', Float32Array.from(data), dims) });
const bag = (...data: number[]) => ({ y: new Tensor('int64', BigInt64Array.from(data, BigInt), [data.length]) });

function graphOf(op: string, width: number): Graph {
  return {
    name: 'g',
    opset: 13,
    inputs: [],
    outputs: [{ name: 'y', dtype: 'float32', shape: [[[1, 'n']], width] }],
    nodes: [{ name: 'last', op, domain: '', inputs: ['x'], outputs: ['y'], attributes: new Map() }],
    initializers: new Map(),
    quantization: new Map(),
  };
}

describe('decisions', () => {
  it('are chosen by the output', () => {
    assert.equal(formatDecision(parseDecision('auto', graphOf('Gemm', 10))), 'argmax');
    assert.equal(formatDecision(parseDecision('auto', graphOf('Sigmoid', 1))), 'threshold:0.5');
    assert.equal(formatDecision(parseDecision('auto', graphOf('Gemm', 1))), 'error:0.05');
    const flat = graphOf('Sigmoid', 1);
    const scores = { ...flat, outputs: [{ ...flat.outputs[0], shape: [[[1, 'n'] as const]] }] };
    assert.equal(formatDecision(parseDecision('auto', scores)), 'threshold:0.5');
    assert.equal(formatDecision(parseDecision('threshold:0.25', graphOf('Gemm', 1))), 'threshold:0.25');
    const unknown = ['', 'argmin', 'threshold', 'threshold:x', 'threshold:0.5:x', 'error:0', 'error:-1', 'error:0x10'];
    const cast = { ...scores.nodes[0], name: 'cast', op: 'Cast', attributes: new Map([['to', 10]]) };
    const rounded = {
      ...scores,
      nodes: [
        { ...scores.nodes[0], outputs: ['s'] },
        { ...cast, inputs: ['s'] },
      ],
    };
    assert.equal(formatDecision(parseDecision('auto', rounded)), 'threshold:0.5');
    for (const text of unknown) {
      assert.throws(() => parseDecision(text, graphOf('Gemm', 1)), { code: 'OPTION_INVALID', exitCode: 2 });
    }
  });

  it('do not take the argmax of a single column: auto then compares errors, each output by itself', () => {
    const graph = graphOf('Gemm', 10);
    const both = {
      ...graph,
      outputs: [...graph.outputs, { name: 'value', dtype: 'float32', shape: [[[1, 'n']], 1] }],
    } as Graph;
    assert.equal(formatDecision(parseDecision('auto', both)), 'error:0.05');
    assert.throws(() => parseDecision('argmax', both), { code: 'OPTION_INVALID', message: /output "value"/ });
    const [large, small] = [outputs([2, 2], 100, 0, 0, 100), outputs([2, 1], 1, 1)];
    const before = { y: large.y, value: small.y };
    const after = { y: large.y, value: outputs([2, 1], 1, 1.2).y };
    assert.deepEqual([...compareOutputs(2, before, after, { kind: 'error', limit: 0.05 }).differs], [0, 1]);
  });

  it('count a sample once, by argmax, and name the classes of the original', () => {
    const before = outputs([4, 3], 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0);
    const after = outputs([4, 3], 2, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0);
    const result = compareOutputs(4, before, after, { kind: 'argmax' });
    assert.deepEqual([result.seen, result.unequal, result.maxAbs], [1, 2, 1]);
    assert.deepEqual([...result.differs], [0, 1, 0, 0]);
    assert.deepEqual(result.classes, [
      { decision: '0', n: 1, seen: 0 },
      { decision: '1', n: 2, seen: 1 },
      { decision: '2', n: 1, seen: 0 },
    ]);
    assert.ok(Math.abs(result.rel - Math.sqrt(3 / 4)) < 1e-12);
  });

  it('count a sequence as one sample that differs where any position does', () => {
    const before = outputs([2, 2, 2], 1, 0, 1, 0, 0, 1, 0, 1);
    const after = outputs([2, 2, 2], 0, 1, 0, 1, 0, 1, 0, 1);
    assert.equal(compareOutputs(2, before, after, { kind: 'argmax' }).seen, 1);
    assert.deepEqual(decisionKeys(2, before, { kind: 'argmax' }), ['0,0', '1,1']);
  });

  it('count clusters where they are given: one differs if any of its samples does', () => {
    const before = outputs([5, 2], 1, 0, 1, 0, 0, 1, 0, 1, 1, 0);
    const after = outputs([5, 2], 0, 1, 0, 1, 0, 1, 1, 0, 1, 0);
    const result = compareOutputs(5, before, after, { kind: 'argmax' }, ['a', 'a', 'a', 'b', 'c']);
    assert.deepEqual([result.n, result.seen, result.rows], [3, 2, 5]);
    assert.deepEqual([...result.differs], [1, 1, 0, 1, 0]);
    // Class 0 has rows of a and c, class 1 of a and b; a differs in its rows of class 0 alone.
    assert.deepEqual(result.classes, [
      { decision: '0', n: 2, seen: 1 },
      { decision: '1', n: 2, seen: 1 },
    ]);
    const errors = compareOutputs(5, before, after, { kind: 'error', limit: 0.1 }, [1, 1, 1, 2, 3]);
    assert.deepEqual([errors.n, errors.seen, errors.classes], [3, 2, [{ decision: 'all', n: 3, seen: 2 }]]);
  });

  it('let a NaN agree where the whole sample is the same, and nowhere else', () => {
    const broken = outputs([2, 2], Number.NaN, 0, Number.NaN, 1);
    const other = outputs([2, 2], Number.NaN, 0, Number.NaN, 3);
    for (const decision of [{ kind: 'argmax' }, { kind: 'threshold', at: 0 }, { kind: 'error', limit: 1 }] as const) {
      assert.equal(compareOutputs(2, broken, broken, decision).seen, 0);
      assert.deepEqual([...compareOutputs(2, broken, other, decision).differs], [0, 1]);
    }
    assert.deepEqual(compareOutputs(2, broken, broken, { kind: 'argmax' }).classes, [
      { decision: 'NaN', n: 2, seen: 0 },
    ]);
    assert.equal(
      compareOutputs(1, outputs([1, 1], 1), outputs([1, 1], Number.NaN), { kind: 'error', limit: 1 }).seen,
      1,
    );
  });

  it('compare thresholds, whole numbers and relative errors', () => {
    const before = outputs([3, 1], 0.2, 0.7, 0.6);
    const after = outputs([3, 1], 0.4, 0.4, 0.6);
    assert.equal(compareOutputs(3, before, after, { kind: 'threshold', at: 0.5 }).seen, 1);
    assert.equal(compareOutputs(3, before, after, { kind: 'error', limit: 0.5 }).seen, 1);
    assert.equal(compareOutputs(3, bag(1, 2, 3), bag(1, 2, 4), { kind: 'argmax' }).seen, 1);
  });

  it('read halves as the numbers that they stand for', () => {
    const rows = [3, 2];
    const halves = (...values: number[]) => ({
      y: new Tensor('float16', narrowToHalves(Float32Array.from(values)), rows),
    });
    const numbers = [-3, 1, -1, -2, 0.5, -0.25];
    assert.deepEqual(
      decisionKeys(3, halves(...numbers), { kind: 'argmax' }),
      decisionKeys(3, outputs(rows, ...numbers), { kind: 'argmax' }),
    );
    const { seen, rel } = compareOutputs(3, halves(...numbers), halves(-3, 1, -2, -1, 0.5, -0.25), { kind: 'argmax' });
    assert.deepEqual([seen, rel], [1, Math.sqrt(2) / Math.hypot(...numbers)]);
  });

  it('tell bit-equal rows from nearly equal ones', () => {
    const result = compareOutputs(3, outputs([3, 1], 0, 1, Number.NaN), outputs([3, 1], -0, 1, Number.NaN), {
      kind: 'argmax',
    });
    assert.equal(result.unequal, 1);
  });
});
