/** Control flow and sequences: resolved where what decides is known, refused by name where it is not. */
import assert from 'node:assert/strict';
import { canonicalise } from '../../../src/graph/canonicalise.js';
import type { Graph, Node } from '../../../src/graph/graph.js';
import { inferFacts, unsupportedOperators } from '../../../src/graph/infer.js';
import { inlineControl } from '../../../src/graph/inline-control.js';
import { createSessionFromModel } from '../../../src/pipeline.js';
import { KerfError } from '../../../src/runtime/errors.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { graphOf, int64, node, port, ramp } from '../../support/graph.js';

const bool = (value: boolean) => new Tensor('bool', Uint8Array.of(Number(value)), []);
const scalar = (value: number) => int64(value).reshape([]);

/** A body: its inputs have no declared shape. */
const body = (inputs: readonly string[], nodes: readonly Node[], outputs: readonly string[], constants = {}) =>
  graphOf({
    inputs: inputs.map((name) => ({ ...port(name, []), undeclared: true as const })),
    outputs,
    nodes,
    constants,
  });

/** The value of y where everything is known. */
function resolvedValue(nodes: readonly Node[], constants: Readonly<Record<string, Tensor>>, opset = 17): Tensor {
  const graph = inlineControl(graphOf({ inputs: [], outputs: ['y'], nodes, constants, opset }));
  return inferFacts(graph).get('y')!.constant!;
}

function refused(
  code: string,
  pattern: RegExp,
  nodes: readonly Node[],
  constants: Readonly<Record<string, Tensor>> = {},
) {
  assert.throws(
    () => resolvedValue(nodes, constants),
    (error: unknown) => error instanceof KerfError && error.code === code && pattern.test(error.message),
  );
}

const list = (tensor: Tensor) => Array.from(tensor.data as ArrayLike<number | bigint>, Number);

/** y = x + x, or -x. */
const branches = {
  then_branch: body([], [node('Add', ['x', 'x'], 'r')], ['r']),
  else_branch: body([], [node('Neg', ['x'], 'r')], ['r']),
};

describe('control flow', () => {
  it('takes the branch of a known condition, also inside a branch', () => {
    for (const [value, expected] of [
      [true, [1, -2.5]],
      [false, [-0.5, 1.25]],
    ] as const) {
      const constants = { x: ramp(2), c: bool(value) };
      assert.deepEqual(list(resolvedValue([node('If', ['c'], 'y', branches)], constants)), expected);
      const outer = {
        then_branch: body([], [node('If', ['c'], 'r', branches)], ['r']),
        else_branch: branches.else_branch,
      };
      assert.deepEqual(list(resolvedValue([node('If', ['c'], 'y', outer)], constants)), expected);
    }
  });

  it('runs a loop as often as its count and condition say, and stacks what each turn gives', () => {
    // Each turn: s = s + s, given on and stacked; goes on while the turn is below `last`.
    const turn = (last: number) =>
      body(
        ['i', 'c', 's'],
        [node('Add', ['s', 's'], 't'), node('Less', ['i', 'last'], 'go'), node('Identity', ['t'], 'u')],
        ['go', 't', 'u'],
        { last: scalar(last) },
      );
    const constants = { n: scalar(3), c: bool(true), x: ramp(1) };
    const run = (last: number, output: 's' | 'y', inputs = ['n', 'c', 'x']) => {
      const outputs = output === 'y' ? ['s', 'y'] : ['y', ''];
      return list(resolvedValue([node('Loop', inputs, outputs, { body: turn(last) })], constants));
    };
    assert.deepEqual(run(9, 's'), [4]);
    assert.deepEqual(run(9, 'y'), [1, 2, 4]);
    assert.deepEqual(run(0, 'y'), [1]);
    assert.deepEqual(run(1, 'y', ['', '', 'x']), [1, 2]);
    refused('MODEL_LIMIT', /turns/, [node('Loop', ['', '', 'x'], 'y', { body: turn(1e6) })], constants);
  });

  it('scans along the first axis', () => {
    const step = body(['s', 'x'], [node('Add', ['s', 'x'], 't'), node('Identity', ['t'], 'o')], ['t', 'o']);
    const nodes = [node('Scan', ['s', 'x'], ['last', 'y'], { num_scan_inputs: 1, body: step })];
    const constants = { s: ramp(1), x: ramp(3, 1) };
    assert.deepEqual(list(resolvedValue(nodes, constants)), [1, -0.25, 1.75]);
    const backwards = { num_scan_inputs: 1, body: step, scan_input_directions: [1] };
    refused('OPERATOR_UNSUPPORTED', /forward/, [node('Scan', ['s', 'x'], ['last', 'y'], backwards)], constants);
  });

  it('is planned for each run where an input of the run decides', async () => {
    const inputs = [port('x', [2]), port('c', [], 'bool')];
    const graph = graphOf({ inputs, outputs: ['y'], nodes: [node('If', ['c'], 'y', branches)] });
    assert.throws(() => canonicalise(graph), { code: 'SHAPE_UNSUPPORTED' });
    const session = createSessionFromModel({ format: 'onnx', graph, unsupported: [], sha256: '' });
    for (const [value, expected] of [
      [true, [1, -2.5]],
      [false, [-0.5, 1.25]],
    ] as const) {
      assert.deepEqual(list((await session.run({ x: ramp(2), c: bool(value) })).y), expected);
    }
  });

  it('names operators that are unknown inside a body', () => {
    const inside: Graph = body([], [node('Nonsense', ['x'], 'r')], ['r']);
    const one = node('If', ['c'], 'y', { ...branches, else_branch: inside });
    assert.deepEqual(unsupportedOperators(graphOf({ inputs: [], outputs: ['y'], nodes: [one] })), ['Nonsense']);
  });
});

describe('sequences', () => {
  const constants = { a: ramp(1), b: ramp(2, 1).reshape([2]), p: scalar(-1), q: scalar(5), x: ramp(5), n: scalar(2) };

  it('are lists of values', () => {
    const made = node('SequenceConstruct', ['a', 'b'], 's');
    const after = (...nodes: Node[]) => list(resolvedValue([made, ...nodes], constants));
    assert.deepEqual(after(node('SequenceAt', ['s', 'p'], 'y')), [0.5, -1.25]);
    assert.deepEqual(after(node('SequenceLength', ['s'], 'y')), [2]);
    assert.deepEqual(after(node('ConcatFromSequence', ['s'], 'y', { axis: 0 })), [0.5, 0.5, -1.25]);
    const inserted = node('SequenceInsert', ['s', 'b', 'p'], 't');
    assert.deepEqual(
      after(inserted, node('ConcatFromSequence', ['t'], 'y', { axis: 0 })),
      [0.5, 0.5, -1.25, 0.5, -1.25],
    );
    assert.deepEqual(after(node('SequenceErase', ['s'], 't'), node('SequenceLength', ['t'], 'y')), [1]);
  });

  it('are cut and put together in old and new operator sets', () => {
    for (const opset of [11, 17]) {
      const cut = node('SplitToSequence', ['x', 'n'], 's');
      assert.deepEqual(list(resolvedValue([cut, node('SequenceAt', ['s', 'p'], 'y')], constants, opset)), [3.5]);
      const single = node('SplitToSequence', ['x'], 's', { keepdims: 0 });
      const stacked = resolvedValue(
        [single, node('ConcatFromSequence', ['s'], 'y', { axis: 0, new_axis: 1 })],
        constants,
        opset,
      );
      assert.deepEqual(stacked.dims, [5]);
    }
  });

  it('are refused where a position is outside, or a tensor stands for a sequence', () => {
    const made = node('SequenceConstruct', ['a', 'b'], 's');
    refused('DATA_INVALID', /position: got 5/, [made, node('SequenceAt', ['s', 'q'], 'y')], constants);
    refused('DTYPE_UNSUPPORTED', /expected a sequence/, [node('SequenceLength', ['a'], 'y')], constants);
  });
});
