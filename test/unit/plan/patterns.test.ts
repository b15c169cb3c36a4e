import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalise } from '../../../src/graph/canonicalise.js';
import type { Node } from '../../../src/graph/graph.js';
import { findOperator } from '../../../src/graph/operators/index.js';
import { InferenceSession, loadModel, Tensor } from '../../../src/index.js';
import { buildPlan } from '../../../src/plan/build-plan.js';
import { evaluate } from '../../../src/runtime/extent.js';
import { graphOf, node, port, ramp } from '../../support/graph.js';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../../../../test/golden/encoder');
const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<
  string,
  Record<'x' | 'mask' | 'y', number[]>
>;

const scalar = (value: number) => new Tensor('float32', Float32Array.of(value), []);

/** Softmax of scaled scores of x [1, 2, 5, 4] with itself, its nodes changed by `change`. */
function attentionKinds(change: (nodes: Node[]) => Node[] = (nodes) => nodes, outputs = ['y'], scale = 0.5): string[] {
  const nodes = change([
    node('Transpose', ['x'], 't', { perm: [0, 1, 3, 2] }),
    node('MatMul', ['x', 't'], 's'),
    node('Mul', ['s', 'c'], 'm'),
    node('Softmax', ['m'], 'p', { axis: -1 }),
    node('MatMul', ['p', 'x'], 'y'),
  ]);
  const inputs = [port('x', [1, 2, 5, 4]), port('z', [1, 1, 5, 4])];
  const constants = { c: scalar(scale), column: ramp(5, 1), row: ramp(5) };
  const graph = graphOf({ inputs, outputs, nodes, constants });
  return buildPlan(canonicalise(graph)).steps.map(({ kind }) => kind);
}

describe('patterns', () => {
  for (const name of ['opset-12', 'opset-17']) {
    it(`make one step of attention as torch exports it, and no reference of the rest (${name})`, async () => {
      const path = join(folder, `${name}.onnx`);
      const { graph } = await loadModel(path);
      const kinds = buildPlan(canonicalise(graph)).steps.map(({ kind }) => kind);
      assert.equal(kinds.filter((kind) => kind === 'attention').length, 1);
      assert.deepEqual([...new Set(kinds)].sort(), ['attention', 'binary', 'gemm', 'reduce', 'unary']);
      const session = await InferenceSession.create(path, { executor: 'wasm' });
      const { x, mask, y } = expected[name];
      const { y: got } = await session.run({
        x: new Tensor('float32', Float32Array.from(x), [3, 7, 16]),
        mask: new Tensor('float32', Float32Array.from(mask), [3, 1, 1, 7]),
      });
      const worst = Math.max(...y.map((value, i) => Math.abs(value - (got.data[i] as number))));
      assert.ok(worst < 1e-5, `off by ${worst}`);
      await session.release();
    });
  }

  it('take attention without scale, with a mask on either side, and with a scale by division', () => {
    const scaled = (nodes: Node[], ...middle: Node[]) => [...nodes.slice(0, 2), ...middle, ...nodes.slice(3)];
    assert.deepEqual(attentionKinds(), ['attention']);
    const without = (nodes: Node[]) =>
      scaled(nodes).map((one) => (one.op === 'Softmax' ? { ...one, inputs: ['s'] } : one));
    assert.deepEqual(attentionKinds(without), ['attention']);
    assert.deepEqual(
      attentionKinds((nodes) => scaled(nodes, node('Div', ['s', 'c'], 'm'))),
      ['attention'],
    );
    for (const inputs of [
      ['q', 'row'],
      ['row', 'q'],
    ]) {
      const masked = [node('Mul', ['s', 'c'], 'q'), node('Add', inputs, 'm')];
      assert.deepEqual(
        attentionKinds((nodes) => scaled(nodes, ...masked)),
        ['attention'],
      );
    }
  });

  it('leave alone what is read elsewhere, scaled by 0 or less, added by column, or repeated over heads', () => {
    const replaced = (name: string, by: Node) => (nodes: Node[]) => nodes.map((one) => (one.name === name ? by : one));
    const cases: Record<string, string[]> = {
      'probabilities are an output': attentionKinds(undefined, ['y', 'p']),
      'a negative scale': attentionKinds(undefined, ['y'], -1),
      'divided by the scores': attentionKinds(replaced('m', node('Div', ['c', 's'], 'm'))),
      'a softmax over rows': attentionKinds(replaced('p', node('Softmax', ['m'], 'p', { axis: 2 }))),
      'a mask of one column': attentionKinds((nodes) => [
        ...nodes.slice(0, 3),
        node('Add', ['m', 'column'], 'a'),
        node('Softmax', ['a'], 'p', { axis: -1 }),
        nodes[4],
      ]),
      'values of one head for all': attentionKinds(replaced('y', node('MatMul', ['p', 'z'], 'y'))),
    };
    for (const [why, kinds] of Object.entries(cases)) assert.ok(!kinds.includes('attention'), `${why}: ${kinds}`);
  });

  it('keep a transposed copy that others read, and read around it', () => {
    const kinds = attentionKinds((nodes) => nodes, ['y', 't']);
    assert.deepEqual([...kinds].sort(), ['attention', 'copy']);
  });

  it('compute with keys of a size that only a run knows what they compute with a known one', async () => {
    const nodes = [
      node('Transpose', ['x'], 'k', { perm: [0, 2, 1] }),
      node('MatMul', ['x', 'k'], 's'),
      node('Softmax', ['s'], 'p', { axis: -1 }),
      node('MatMul', ['p', 'x'], 'y'),
    ];
    const plans = ['n', 5].map((T) => buildPlan(graphOf({ inputs: [port('x', [2, T, 3])], outputs: ['y'], nodes })));
    const [symbolic, known] = plans.map(({ buffers }) =>
      buffers.map(({ size }) => evaluate(size, new Map([['n', 5]]))),
    );
    assert.equal(plans[0].steps[0].kind, 'attention');
    assert.ok(symbolic[2] >= known[2], 'room for the panels of any number of keys');
  });
});

describe('kerf.Attention', () => {
  it('has a reference that a softmax by hand agrees with', () => {
    const attributes = { scale: 1, permQ: [0, 1], permK: [1, 0], permV: [0, 1], permY: [1, 0] };
    const one = node('kerf.Attention', ['q', 'k', 'v', 'm'], 'y', attributes);
    const tensor = (values: number[], ...dims: number[]) => new Tensor('float32', Float32Array.from(values), dims);
    const [q, k, v] = [tensor([1, 2], 2, 1), tensor([0, Math.log(2)], 2, 1), tensor([3, 6], 2, 1)];
    const [y] = findOperator(one, 17)!.evaluate(one, [q, k, v, tensor([0, 0], 2)], 17);
    // Weights 1 : 2 and 1 : 4.
    assert.deepEqual(y.dims, [1, 2]);
    assert.ok(Math.abs((y.data[0] as number) - 5) < 1e-6 && Math.abs((y.data[1] as number) - 5.4) < 1e-6);
  });
});
