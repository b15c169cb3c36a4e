/** Plans of operators whose operands have no axes, or fewer than what they make. */
import assert from 'node:assert/strict';
import { createSessionFromModel } from '../../../src/pipeline.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { type GraphParts, graphOf, node, port } from '../../support/graph.js';

async function run(parts: Omit<GraphParts, 'outputs'>, feeds: Record<string, Tensor>): Promise<Tensor> {
  const graph = graphOf({ ...parts, outputs: ['y'] });
  const session = createSessionFromModel({ graph, format: 'onnx', sha256: '' } as never, { executor: 'wasm' });
  try {
    return (await session.run(feeds)).y;
  } finally {
    await session.release();
  }
}

const floats = (values: readonly number[], ...dims: number[]) => new Tensor('float32', Float32Array.from(values), dims);

describe('operands without axes', () => {
  it('Gemm scales a C of no axes by beta, and its product by alpha', async () => {
    const nodes = [node('Gemm', ['a', 'b', 'c'], 'y', { transA: 1, alpha: 0.5, beta: 2 })];
    const constants = { b: floats([1, 2, 3, 4], 2, 2), c: floats([10]) };
    const y = await run({ inputs: [port('a', [2, 1])], nodes, constants }, { a: floats([2, 4], 2, 1) });
    assert.deepEqual([...y.dims, ...y.data], [1, 2, 0.5 * 14 + 20, 0.5 * 20 + 20]);
  });

  it('functions of several steps take one number', async () => {
    for (const [op, expected] of [
      ['Softsign', 0.75],
      ['HardSwish', 3],
    ] as const) {
      const y = await run({ inputs: [port('x', [])], nodes: [node(op, ['x'], 'y')] }, { x: floats([3]) });
      assert.deepEqual([y.dims, [...y.data]], [[], [expected]], op);
    }
    const mean = await run(
      { inputs: [port('x', []), port('z', [])], nodes: [node('Mean', ['x', 'z'], 'y')] },
      { x: floats([3]), z: floats([5]) },
    );
    assert.deepEqual([...mean.data], [4]);
  });

  it('PRelu widens to its slope', async () => {
    const nodes = [node('PRelu', ['x', 's'], 'y')];
    const parts = { inputs: [port('x', [1, 2])], nodes, constants: { s: floats([2, 3], 2, 1) } };
    const y = await run(parts, { x: floats([-1, 5], 1, 2) });
    assert.deepEqual(
      [y.dims, [...y.data]],
      [
        [2, 2],
        [-2, 5, -3, 5],
      ],
    );
  });
});
