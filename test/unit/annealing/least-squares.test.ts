import assert from 'node:assert/strict';
import { momentsOf, refit, refitOnPart, refitSparse } from '../../../src/annealing/least-squares.js';
import { type Matrix, type Samples, widen } from '../../../src/annealing/matrix.js';
import { solveOracle } from '../../oracle/linalg.js';
import { createRandom } from '../../oracle/random.js';

function normalSamples(seed: number, rows: number, columns: number, shift = 0): Samples {
  const random = createRandom(seed);
  return { rows, columns, data: Float32Array.from({ length: rows * columns }, () => random.normal() + shift) };
}

/** Mean squared error of a layer, plus what pulls it to its start. */
function objective(
  weight: Matrix,
  bias: ArrayLike<number>,
  start: Matrix,
  ridge: number,
  x: Samples,
  y: Samples,
): number {
  let sum = 0;
  for (let r = 0; r < x.rows; r++) {
    for (let i = 0; i < y.columns; i++) {
      let value = bias[i];
      for (let j = 0; j < x.columns; j++) value += weight.data[i * x.columns + j] * x.data[r * x.columns + j];
      sum += (y.data[r * y.columns + i] - value) ** 2;
    }
  }
  let pull = 0;
  for (let e = 0; e < weight.data.length; e++) pull += (weight.data[e] - start.data[e]) ** 2;
  return sum / x.rows + ridge * pull;
}

describe('least squares', () => {
  const [x, y] = [normalSamples(1, 40, 5, 0.7), normalSamples(2, 40, 3, -0.4)];
  const start = widen(3, 5, normalSamples(3, 3, 5).data);
  const moments = momentsOf(x);

  it('takes means, covariance and a ridge that falls with the rows', () => {
    let trace = 0;
    for (const value of x.data) trace += value * value;
    assert.ok(Math.abs(moments.ridge - (0.02 * trace) / x.rows ** 2) < 1e-12);
    const wide = normalSamples(4, 10, 40);
    let wideTrace = 0;
    for (const value of wide.data) wideTrace += value * value;
    assert.ok(Math.abs(momentsOf(wide).ridge - (0.02 * wideTrace) / wide.rows ** 2) < 1e-12);
  });

  it('refits a layer on some of its own inputs as on samples of its outputs', () => {
    const [whole, bias] = [widen(3, 5, normalSamples(5, 3, 5).data), Float64Array.of(0.5, -1, 2)];
    const kept = Int32Array.of(0, 2, 3);
    const outputs = new Float32Array(x.rows * 3);
    const part = new Float32Array(x.rows * kept.length);
    for (let r = 0; r < x.rows; r++) {
      kept.forEach((j, at) => {
        part[r * kept.length + at] = x.data[r * 5 + j];
      });
      for (let i = 0; i < 3; i++) {
        let value = bias[i];
        for (let j = 0; j < 5; j++) value += whole.data[i * 5 + j] * x.data[r * 5 + j];
        outputs[r * 3 + i] = value;
      }
    }
    const samples = { rows: x.rows, columns: kept.length, data: part };
    const first = widen(3, 3, normalSamples(6, 3, 3).data);
    const expected = refit(first, momentsOf(samples), samples, { rows: x.rows, columns: 3, data: outputs });
    const { affine, moments: its } = refitOnPart(first, { weight: whole, bias }, moments, kept);
    // The outputs of the samples are rounded to f32.
    const close = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      Array.from(a).every((value, e) => Math.abs(value - b[e]) <= 1e-5 * (1 + Math.abs(b[e])));
    assert.ok(close(affine.weight.data, expected.weight.data) && close(affine.bias, expected.bias));
    assert.ok(Math.abs(its.ridge - momentsOf(samples).ridge) < 1e-12);
  });

  it('is at the minimum: no small change of any weight or bias is better', () => {
    const { weight, bias } = refit(start, moments, x, y);
    const best = objective(weight, bias, start, moments.ridge, x, y);
    for (let e = 0; e < weight.data.length + bias.length; e++) {
      for (const step of [1e-4, -1e-4]) {
        const [w, b] = [weight.data.slice(), bias.slice()];
        if (e < w.length) w[e] += step;
        else b[e - w.length] += step;
        assert.ok(objective({ ...weight, data: w }, b, start, moments.ridge, x, y) > best, `element ${e}`);
      }
    }
  });

  it('refits a sparse row as the dense problem on its own columns', () => {
    const sparse = { ...start, data: start.data.map((w, e) => (e % 3 === 1 ? 0 : w)) };
    const { weight } = refitSparse(sparse, moments, x, y);
    const n = x.columns;
    for (let i = 0; i < 3; i++) {
      const kept = Array.from({ length: n }, (_, j) => j).filter((j) => sparse.data[i * n + j] !== 0);
      const mean = (data: Float32Array, width: number, j: number) => {
        let sum = 0;
        for (let r = 0; r < x.rows; r++) sum += data[r * width + j];
        return sum / x.rows;
      };
      const covariance = (j: number) => {
        let sum = 0;
        for (let r = 0; r < x.rows; r++) {
          sum += (x.data[r * n + j] - mean(x.data, n, j)) * (y.data[r * 3 + i] - mean(y.data, 3, i));
        }
        return sum / x.rows;
      };
      const system = kept.flatMap((a) =>
        kept.map((b) => moments.covariance.data[a * n + b] + (a === b ? moments.ridge : 0)),
      );
      const right = kept.map((j) => covariance(j) + moments.ridge * sparse.data[i * n + j]);
      const expected = solveOracle(system, right);
      for (const [k, j] of kept.entries()) assert.ok(Math.abs(weight.data[i * n + j] - expected[k]) < 1e-9);
      for (let j = 0; j < n; j++) if (!kept.includes(j)) assert.equal(weight.data[i * n + j], 0);
    }
  });

  it('refuses inputs that are not finite', () => {
    const broken = { ...x, data: x.data.slice().fill(Number.NaN, 0, 1) };
    assert.throws(() => refit(start, momentsOf(broken), broken, y), { code: 'DATA_INVALID' });
  });
});
