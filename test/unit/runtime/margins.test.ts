import assert from 'node:assert/strict';
import { Margins } from '../../../src/runtime/margins.js';
import { plainKernels } from '../../../src/runtime/plain-kernels.js';
import { Tensor } from '../../../src/runtime/tensor.js';

describe('Margins', () => {
  const values = [1, 0.5, Number.NaN, 0.4999, Number.POSITIVE_INFINITY, 0, 3];
  const margins = new Margins({ outputs: ['y'], decision: 'argmax', at: 0 }, plainKernels());
  /** Rows of two, the first larger by a value. */
  const y = new Tensor('float32', Float32Array.from(values.flatMap((value) => [value, 0])), [values.length, 2]);

  it('finds the rows below tau, and those without a number', () => {
    assert.deepEqual([...margins.rowsBelow({ y }, 0.5)], [2, 3, 5]);
    assert.deepEqual([...margins.rowsBelow({ y }, 0)], [2]);
  });

  it('compares in float32, as the margins are', () => {
    const tenth = new Tensor('float32', Float32Array.of(0.1, 0), [1, 2]);
    assert.deepEqual([...margins.rowsBelow({ y: tenth }, 0.1)], []);
  });

  it('finds none among no rows, and none where no output decides', () => {
    const nobody = new Margins({ outputs: [], decision: 'argmax', at: 0 }, plainKernels());
    assert.equal(nobody.rowsBelow({ y }, 0.5).length, 0);
    assert.equal(margins.rowsBelow({ y: new Tensor('float32', new Float32Array(0), [0, 2]) }, 0.5).length, 0);
  });
});
