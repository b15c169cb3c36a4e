/** Recurrent layers: that their steps compute what the reference does, and what goes to the reference instead. */
import assert from 'node:assert/strict';
import { canonicalise } from '../../../src/graph/canonicalise.js';
import { countMacs } from '../../../src/graph/cost.js';
import type { Attribute } from '../../../src/graph/graph.js';
import { inferFacts } from '../../../src/graph/infer.js';
import { recurrentFunction } from '../../../src/graph/operators/recurrent-functions.js';
import { readOnnx } from '../../../src/model/onnx.js';
import { encodeOnnx } from '../../../src/package/onnx-writer.js';
import { buildPlan, runReference } from '../../../src/plan/index.js';
import { KerfError } from '../../../src/runtime/errors.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../../src/runtime/wasm-executor.js';
import { createRandom } from '../../oracle/random.js';
import { graphOf, node, port } from '../../support/graph.js';

const [T, B, I, H] = [4, 3, 5, 6];
const gates: Readonly<Record<string, number>> = { LSTM: 4, GRU: 3, RNN: 1 };

interface Case {
  readonly op: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly directions?: number;
  /** Names of inputs 3 to 7 that are given. */
  readonly given?: readonly string[];
  /** Inner rank of kerf's own cells. */
  readonly rank?: number;
}

const random = createRandom(7);
const floats = (...dims: readonly number[]) => {
  const size = dims.reduce((product, dim) => product * dim, 1);
  return new Tensor(
    'float32',
    Float32Array.from({ length: size }, () => random.normal() / 2),
    dims,
  );
};

/** The node on all its weights; `x` is an input of the graph, or a constant so that the reference folds it. */
function caseGraph({ op, attributes = {}, directions: D = 1, given = [], rank }: Case, x: Tensor, isFolded: boolean) {
  const rows = gates[op] * H;
  const constants: Record<string, Tensor> = {
    W: floats(D, rows, I),
    R: floats(D, rows, rank ?? H),
    V: floats(D, rank ?? H, H),
    B: floats(D, 2 * rows),
    h: floats(D, B, H),
    c: floats(D, B, H),
    P: floats(D, 3 * H),
    lengths: new Tensor('int32', Int32Array.of(4, 2, 3), [B]),
  };
  const optional = ['B', 'lengths', 'h', 'c', 'P'].map((name) => (given.includes(name) ? name : ''));
  const outputs = op === 'LSTM' ? ['y', 'yh', 'yc'] : ['y', 'yh'];
  const all = ['x', 'W', 'R', ...optional, ...(rank ? ['V'] : [])];
  const made = node(op, all, outputs, { hidden_size: H, ...attributes });
  const nodes = [rank ? { ...made, domain: 'kerf' } : made];
  const inputs = isFolded ? [] : [port('x', ['t', given.length > 1 ? B : 'b', I])];
  return { graph: graphOf({ inputs, outputs, nodes, constants: isFolded ? { ...constants, x } : constants }), outputs };
}

/** Rounding stays far below (the tests of the steps bound it); a wrong gate, order or state is off by about 0.1. */
const tolerance = 2 ** -14;

function check(one: Case, kinds: readonly string[]): void {
  const x = floats(T, B, I);
  const { graph, outputs } = caseGraph(one, x, false);
  const plan = buildPlan(graph);
  assert.deepEqual([...new Set(plan.steps.map(({ kind }) => kind))].sort(), [...kinds].sort());
  const got = createWasmExecutor(plan, { runReference }).runSync({ x }, {});
  const facts = inferFacts({ ...graph, inputs: [], initializers: new Map([...graph.initializers, ['x', x]]) });
  for (const name of outputs) {
    const wanted = facts.get(name)!.constant!;
    assert.deepEqual(got[name].dims, wanted.dims, name);
    const data = wanted.data as Float32Array;
    const off = (got[name].data as Float32Array).findIndex((value, i) => !(Math.abs(value - data[i]) <= tolerance));
    assert.equal(off, -1, `${one.op} ${name}[${off}]: got ${got[name].data[off]}, expected ${data[off]}`);
  }
}

describe('recurrent layers', () => {
  it('run an LSTM in either and in both directions, with states and peepholes', () => {
    check({ op: 'LSTM' }, ['copy', 'fill', 'gemm', 'lstm']);
    check({ op: 'LSTM', attributes: { direction: 'reverse' }, given: ['B', 'h', 'c'] }, ['copy', 'gemm', 'lstm']);
    const both = { op: 'LSTM', attributes: { direction: 'bidirectional' }, directions: 2 };
    check({ ...both, given: ['B', 'h', 'c', 'P'] }, ['copy', 'gemm', 'lstm']);
  });

  it('run a GRU with the reset before or after the product', () => {
    for (const linear_before_reset of [0, 1]) {
      check({ op: 'GRU', attributes: { linear_before_reset } }, ['copy', 'fill', 'gemm', 'gru']);
      const attributes = { linear_before_reset, direction: 'bidirectional' };
      check({ op: 'GRU', attributes, directions: 2, given: ['B', 'h'] }, ['copy', 'gemm', 'gru']);
    }
  });

  it('run with a state matrix of inner rank, in either and in both directions', () => {
    for (const rank of [1, 4, H]) {
      check({ op: 'LSTM', rank }, ['copy', 'fill', 'gemm', 'lstm']);
      check({ op: 'GRU', rank, attributes: { linear_before_reset: 1 } }, ['copy', 'fill', 'gemm', 'gru']);
      const attributes = { direction: 'bidirectional', linear_before_reset: 1 };
      check({ op: 'LSTM', rank, attributes, directions: 2, given: ['B', 'h', 'c', 'P'] }, ['copy', 'gemm', 'lstm']);
      check({ op: 'GRU', rank, attributes, directions: 2, given: ['B', 'h'] }, ['copy', 'gemm', 'gru']);
    }
    check({ op: 'GRU', rank: 2, given: ['B'] }, ['reference']);
  });

  it('count their multiply-adds, fewer of inner rank', () => {
    const work = (one: Case) => countMacs(caseGraph(one, floats(T, B, I), false).graph, new Map([['t', T]]));
    assert.equal(work({ op: 'LSTM' }), T * 4 * H * (I + H));
    assert.equal(
      work({ op: 'GRU', directions: 2, attributes: { direction: 'bidirectional' } }),
      2 * T * 3 * H * (I + H),
    );
    assert.equal(work({ op: 'LSTM', rank: 2 }), T * (4 * H * (I + 2) + 2 * H));
  });

  it('are written to ONNX with the product of the factors', async () => {
    const x = floats(T, B, I);
    for (const op of ['LSTM', 'GRU']) {
      const one = { op, rank: 2, attributes: { linear_before_reset: 1 }, given: ['B'] };
      const { graph, outputs } = caseGraph(one, x, false);
      const again = canonicalise(readOnnx(encodeOnnx(graph)).graph);
      const [own, standard] = [graph, again].map((net) =>
        createWasmExecutor(buildPlan(net), { runReference }).runSync({ x }, {}),
      );
      assert.ok(again.nodes.every(({ domain, op: name }) => domain === '' && name !== 'MatMul'));
      for (const name of outputs) {
        const data = own[name].data as Float32Array;
        assert.ok(
          data.every((value, i) => Math.abs(value - Number(standard[name].data[i])) <= tolerance),
          `${op} ${name}`,
        );
      }
    }
  });

  it('leave lengths, clips and other functions to the reference', () => {
    check({ op: 'LSTM', given: ['B', 'lengths'] }, ['reference']);
    check({ op: 'GRU', attributes: { clip: 0.5 }, given: ['B'] }, ['reference']);
    check({ op: 'LSTM', attributes: { activations: ['HardSigmoid', 'Relu', 'Softsign'] } }, ['reference']);
    check({ op: 'RNN', attributes: { activations: ['Affine'], activation_alpha: [0.5] }, given: ['B'] }, ['reference']);
  });

  it('give alpha and beta to the functions that take them, in their order', () => {
    const attributes = {
      activations: ['Sigmoid', 'LeakyRelu', 'Tanh', 'HardSigmoid'],
      activation_alpha: [0.5, 0.25],
      activation_beta: [0.75],
    };
    const lists = node('GRU', ['x'], 'y', attributes);
    assert.equal(recurrentFunction(lists, 1, 'Tanh')(-2), -1);
    assert.equal(recurrentFunction(lists, 3, 'Tanh')(-2), 0.25);
    assert.equal(recurrentFunction(lists, 2, 'Tanh')(0.5), Math.tanh(0.5));
  });

  it('refuse weights, directions and functions that do not fit', () => {
    const refused = (code: string, pattern: RegExp, one: Case) =>
      assert.throws(
        () => inferFacts(caseGraph(one, floats(T, B, I), true).graph),
        (error: unknown) => error instanceof KerfError && error.code === code && pattern.test(error.message),
      );
    refused('SHAPE_MISMATCH', /expected x \[T, B, I\], W \[2, 24, I\]/, {
      op: 'LSTM',
      attributes: { direction: 'bidirectional' },
    });
    refused('MODEL_INVALID', /direction: got "sideways"/, { op: 'GRU', attributes: { direction: 'sideways' } });
    refused('MODEL_INVALID', /activation: got "sine"/, { op: 'RNN', attributes: { activations: ['Sine'] } });
  });
});
