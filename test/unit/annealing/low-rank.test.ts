import assert from 'node:assert/strict';
import { metricOf, momentsOf } from '../../../src/annealing/least-squares.js';
import { spectrumOf } from '../../../src/annealing/low-rank.js';
import { addDiagonal, crossProducts, multiply, type Samples, widen } from '../../../src/annealing/matrix.js';
import { createRandom } from '../../oracle/random.js';

function normalSamples(seed: number, rows: number, columns: number): Samples {
  const random = createRandom(seed);
  return { rows, columns, data: Float32Array.from({ length: rows * columns }, () => random.normal()) };
}

describe('low rank', () => {
  for (const [out, inputs] of [
    [6, 9],
    [9, 6],
  ]) {
    for (const [hasInputs, hasOutputs] of [
      [true, true],
      [true, false],
      [false, true],
      [false, false],
    ]) {
      const metrics = `${hasInputs ? 'M' : 'I'} and ${hasOutputs ? 'G' : 'I'}`;
      it(`cuts a layer [${out}, ${inputs}] between ${metrics}; the error is what the spectrum says`, () => {
        const weight = widen(out, inputs, normalSamples(5, out, inputs).data);
        const moments = hasInputs ? momentsOf(normalSamples(6, 50, inputs)) : null;
        const outputs = hasOutputs ? addDiagonal(crossProducts(normalSamples(7, 20, out)), 1) : null;
        const spectrum = spectrumOf({ weight, bias: new Float64Array(out) }, moments, outputs);
        for (const rank of [1, 3, 6]) {
          const { outer, inner } = spectrum.cut(rank);
          assert.deepEqual([outer.rows, outer.columns, inner.rows, inner.columns], [out, rank, rank, inputs]);
          const product = multiply(outer, inner);
          const error = { ...weight, data: weight.data.map((w, e) => w - product.data[e]) };
          const right = moments ? multiply(error, metricOf(moments)) : error;
          // || G^(1/2) E M^(1/2) ||^2 = trace(G E M E^T)
          const squares = multiply(right, error, false, true);
          const weighted = outputs ? multiply(outputs, squares) : squares;
          let trace = 0;
          for (let i = 0; i < out; i++) trace += weighted.data[i * out + i];
          const rest = spectrum.values.slice(rank).reduce((sum, value) => sum + value, 0);
          assert.ok(Math.abs(trace - rest) < 1e-9 * spectrum.values[0], `rank ${rank}: ${trace}, expected ${rest}`);
        }
      });
    }
  }

  it('leaves no mean error at the mean input', () => {
    const moments = momentsOf({ ...normalSamples(8, 30, 4), data: normalSamples(8, 30, 4).data.map((v) => v + 3) });
    const weight = widen(5, 4, normalSamples(9, 5, 4).data);
    const bias = Float64Array.of(1, 2, 3, 4, 5);
    const { outer, inner, bias: shifted } = spectrumOf({ weight, bias }, moments).cut(2);
    const column = { rows: 4, columns: 1, data: moments.mean };
    const [before, after] = [multiply(weight, column), multiply(outer, multiply(inner, column))];
    for (let i = 0; i < 5; i++) assert.ok(Math.abs(before.data[i] + bias[i] - after.data[i] - shifted[i]) < 1e-12);
  });
});
