import assert from 'node:assert/strict';
import { makeInputs } from '../../../src/cli/bench/inputs.js';
import type { Load } from '../../../src/cli/bench/protocol.js';
import { Tensor } from '../../../src/runtime/tensor.js';

const load = (batch: number): Load => ({
  contender: 'kerf',
  module: null,
  path: 'model.onnx',
  threads: 1,
  revectorize: false,
  batch,
  data: null,
  seed: 0,
  inputs: [
    { name: 'x', dtype: 'float32', shape: ['batch', 'time'] },
    { name: 'state', dtype: 'float32', shape: [2, 'batch', 1] },
    { name: 'rate', dtype: 'int64', shape: [] },
  ],
});

const ramp = (...dims: number[]) =>
  new Tensor(
    'float32',
    Float32Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => i),
    dims,
  );

describe('inputs of kerf bench', () => {
  it('are other rows at each call; of a fixed first axis all, and a scalar as it is', () => {
    const data = { x: ramp(3, 3), state: ramp(2, 1, 1), rate: new Tensor('int64', BigInt64Array.of(16000n), []) };
    const [first, second] = makeInputs(load(2), data);
    assert.deepEqual([...first['x'].data], [0, 1, 2, 3, 4, 5]);
    assert.deepEqual([...second['x'].data], [6, 7, 8, 0, 1, 2]);
    for (const { state, rate } of [first, second]) {
      assert.deepEqual(
        [state.dims, [...state.data]],
        [
          [2, 1, 1],
          [0, 1],
        ],
      );
      assert.deepEqual([rate.dims, [...rate.data]], [[], [16000n]]);
    }
  });

  it('are drawn where there are no data, a row for each of the batch', () => {
    const [{ x, state, rate }] = makeInputs(load(5), null);
    assert.deepEqual([x.dims, state.dims, rate.dims], [[5, 64], [2, 5, 1], []]);
    assert.ok([...x.data].every((value) => Number(value) >= 0 && Number(value) < 1));
  });
});
