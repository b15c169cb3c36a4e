/** Sessions of networks whose inputs and outputs are float16. */
import assert from 'node:assert/strict';
import type { Graph, Model } from '../../src/graph/graph.js';
import { narrowToHalves, widenHalf } from '../../src/graph/operators/half.js';
import { createSessionFromModel } from '../../src/pipeline.js';
import { symbol } from '../../src/runtime/extent.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { withCode } from '../support/codes.js';
import { graphOf, node, port } from '../support/graph.js';
import { Random } from '../support/random.js';

const random = new Random(3);
const halves = (...dims: number[]) => {
  const size = dims.reduce((product, dim) => product * dim, 1);
  return new Tensor('float16', narrowToHalves(random.floats(size)), dims);
};
const wide = ({ data, dims }: Tensor) => new Tensor('float32', widenHalf(data as Uint16Array), dims);

const weights = halves(7, 6);

/** x, shift -> y = x W^T + shift, and the place of its largest element. */
function model(dtype: 'float16' | 'float32'): Model {
  const graph: Graph = {
    ...graphOf({
      inputs: [port('x', ['n', 6], dtype), port('shift', [7])],
      outputs: ['y', 'best'],
      nodes: [
        node('Gemm', ['x', 'w'], 'h', { transB: 1 }),
        node('Cast', ['shift'], 's', { to: dtype === 'float16' ? 10 : 1 }),
        node('Add', ['h', 's'], 'y'),
        node('ArgMax', ['y'], 'best', { axis: 1, keepdims: 0 }),
      ],
      constants: { w: dtype === 'float16' ? weights : wide(weights) },
    }),
    outputs: [
      { name: 'y', dtype, shape: [symbol('n'), 7] },
      { name: 'best', dtype: 'int64', shape: [symbol('n')] },
    ],
  };
  return { format: 'onnx', graph, unsupported: [], sha256: '0'.repeat(64) };
}

describe('sessions of halves', () => {
  it('take and give halves, and compute as in float32, on one thread and on two', async () => {
    const [x, shift] = [halves(5, 6), new Tensor('float32', random.floats(7), [7])];
    const single = createSessionFromModel(model('float32'), { executor: 'wasm' });
    const { y, best } = single.runSync({ x: wide(x), shift });
    const expected = { y: new Tensor('float16', narrowToHalves(y.data as Float32Array), [5, 7]), best };
    for (const options of [{ executor: 'wasm' }, { executor: 'pool', threads: 2 }] as const) {
      const { graph } = model('float16');
      const plain = { ...graph, nodes: graph.nodes.slice(0, 3), outputs: graph.outputs.slice(0, 1) };
      // The pool has no step for ArgMax.
      const isPool = options.executor === 'pool';
      const session = createSessionFromModel({ ...model('float16'), graph: isPool ? plain : graph }, options);
      assert.deepEqual(
        [...session.inputs, ...session.outputs].map(({ name, dtype }) => `${name} ${dtype}`),
        ['x float16', 'shift float32', 'y float16', ...(isPool ? [] : ['best int64'])],
      );
      const wanted = isPool ? { y: expected.y } : expected;
      assert.deepEqual({ ...(await session.run({ x, shift })) }, wanted);
      assert.deepEqual({ ...session.runSync({ x, shift }) }, wanted);
      await assert.rejects(session.run({ x: wide(x), shift }), withCode('DTYPE_MISMATCH', 'input "x"'));
      assert.equal(session.stats().runs, 2);
      await session.release();
    }
    await single.release();
  });
});
