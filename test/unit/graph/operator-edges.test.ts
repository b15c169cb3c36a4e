/** Operators at the edges of their inputs, as sessions run them. */
import assert from 'node:assert/strict';
import { createSessionFromModel } from '../../../src/pipeline.js';
import type { Feeds } from '../../../src/runtime/executor.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { graphOf, int64, node, port } from '../../support/graph.js';

type Parts = Parameters<typeof graphOf>[0];

async function outputsOf(parts: Parts, feeds: Feeds) {
  const model = { format: 'onnx' as const, graph: graphOf(parts), unsupported: [], sha256: '' };
  return createSessionFromModel(model, { executor: 'wasm' }).run(feeds);
}

const floats = (values: readonly number[], dims: readonly number[] = [values.length]) =>
  new Tensor('float32', Float32Array.from(values), dims);

describe('operators at their edges', () => {
  it('Gather refuses int64 indices that are in range only by their low half', async () => {
    const parts: Parts = {
      inputs: [port('x', [3, 2]), port('at', ['n'], 'int64')],
      outputs: ['y'],
      nodes: [node('Gather', ['x', 'at'], 'y')],
    };
    const x = floats([1, 2, 3, 4, 5, 6], [3, 2]);
    const { y } = await outputsOf(parts, { x, at: int64(2, -3) });
    assert.deepEqual([...y.data], [5, 6, 1, 2]);
    for (const wrong of [2 ** 32, -(2 ** 32), 2 ** 32 + 1, 2 ** 53, 3, -4]) {
      await assert.rejects(outputsOf(parts, { x, at: int64(0, wrong) }), { code: 'DATA_INVALID' }, `${wrong}`);
    }
  });

  it('Slice takes steps as long as an int64', async () => {
    const most = new Tensor('int64', BigInt64Array.of(2n ** 63n - 1n), [1]);
    const parts = (from: number): Parts => ({
      inputs: [port('x', [4])],
      outputs: ['y'],
      nodes: [node('Slice', ['x', 'from', 'to', 'axes', 'step'], 'y')],
      constants: { from: int64(from), to: most, axes: int64(0), step: most },
    });
    assert.deepEqual([...(await outputsOf(parts(1), { x: floats([1, 2, 3, 4]) })).y.data], [2]);
    assert.deepEqual([...(await outputsOf(parts(4), { x: floats([1, 2, 3, 4]) })).y.data], []);
  });

  it('MaxPool gives the least byte for a window that lies in the padding', async () => {
    for (const [type, array, least] of [
      ['int8', Int8Array.of(-5, 7), -128],
      ['uint8', Uint8Array.of(5, 7), 0],
    ] as const) {
      const { y } = await outputsOf(
        {
          inputs: [port('x', [1, 1, 2], type)],
          outputs: ['y'],
          nodes: [node('MaxPool', ['x'], 'y', { kernel_shape: [2], pads: [2, 0], strides: [2] })],
        },
        { x: new Tensor(type, array, [1, 1, 2]) },
      );
      assert.deepEqual([...y.data], [least, 7]);
    }
  });

  it('recurrent layers of no step give their first states', async () => {
    for (const [op, gates] of [
      ['LSTM', 4],
      ['GRU', 3],
    ] as const) {
      const { h } = await outputsOf(
        {
          inputs: [port('x', [0, 1, 2]), port('h0', [1, 1, 2])],
          outputs: ['h'],
          nodes: [node(op, ['x', 'W', 'R', '', '', 'h0'], ['', 'h'], { hidden_size: 2 })],
          constants: {
            W: floats(Array(4 * gates).fill(1), [1, 2 * gates, 2]),
            R: floats(Array(4 * gates).fill(1), [1, 2 * gates, 2]),
          },
        },
        { x: floats([], [0, 1, 2]), h0: floats([3, -4], [1, 1, 2]) },
      );
      assert.deepEqual([...h.data], [3, -4], op);
    }
  });

  it('Resize crops by a region where the scale is 1', async () => {
    const { y } = await outputsOf(
      {
        inputs: [port('x', [1, 4])],
        outputs: ['y'],
        nodes: [
          node('Resize', ['x', 'region', 'scales'], 'y', {
            mode: 'nearest',
            coordinate_transformation_mode: 'tf_crop_and_resize',
          }),
        ],
        constants: { region: floats([0, 0, 1, 2 / 3]), scales: floats([1, 1]) },
      },
      { x: floats([1, 2, 3, 4], [1, 4]) },
    );
    // Places 0, 2/3, 4/3, 2 of the four, each rounded down at a half.
    assert.deepEqual([...y.data], [1, 2, 2, 3]);
  });

  it('Resize keeps a batch of any size beside regions that its transform ignores', async () => {
    const { y } = await outputsOf(
      {
        inputs: [port('x', ['n', 2])],
        outputs: ['y'],
        nodes: [
          node('Resize', ['x', 'region', 'scales'], 'y', {
            mode: 'nearest',
            coordinate_transformation_mode: 'asymmetric',
          }),
        ],
        constants: { region: floats([0, 0, 0, 0]), scales: floats([1, 2]) },
      },
      { x: floats([1, 2, 3, 4, 5, 6], [3, 2]) },
    );
    assert.deepEqual([...y.data], [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]);
  });
});
