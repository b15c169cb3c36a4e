import assert from 'node:assert/strict';
import {
  analysisKernels,
  measureSpectrum,
  parseLaw,
  type SpectrumResult,
  tensorKey,
} from '../../../src/evidence/index.js';
import { draw } from '../../../src/evidence/scores.js';
import { singularValues } from '../../../src/evidence/spectrum.js';
import { normals } from '../../support/fresh-layers.js';

const seed = Number(process.env['KERF_TEST_SEED'] ?? 1);
const shapes = [
  [64, 64],
  [32, 200],
  [128, 256],
  [100, 300],
  [300, 130],
  [70, 1500],
] as const;

/** A spectrum of noise of `law`, changed by `change`. */
function spectrumOf(
  [rows, columns]: readonly [number, number],
  name: string,
  key: string,
  known: boolean,
  change: (weights: Float32Array, std: number) => void = () => {},
): SpectrumResult & { readonly std: number } {
  const { workspace } = analysisKernels();
  const law = parseLaw(name).weight({ fanIn: columns, fanOut: rows });
  return workspace.scope(() => {
    const weights = workspace.allocate('float32', rows * columns);
    draw(law, tensorKey(seed, `${key} ${rows} ${columns} ${name}`), weights);
    change(workspace.view(weights), law.std);
    return { ...measureSpectrum(weights, rows, columns, known ? law.std : null), std: law.std };
  });
}

/** Adds `count` directions of the given strength, in units of the edge of the noise. */
function addSpikes(weights: Float32Array, rows: number, columns: number, std: number, count: number, strength: number) {
  const edge = std * (Math.sqrt(rows) + Math.sqrt(columns));
  for (let s = 0; s < count; s++) {
    const u = normals(seed, `u ${s}`, rows);
    const v = normals(seed, `v ${s}`, columns);
    const size = (strength * edge) / (Math.hypot(...u) * Math.hypot(...v));
    for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) weights[i * columns + j] += size * u[i] * v[j];
  }
}

describe(`measureSpectrum (seed ${seed})`, () => {
  it('finds at most 3 false directions in 36 noise matrices, with sigma known or refitted', () => {
    for (const known of [true, false]) {
      let seen = 0;
      for (const shape of shapes) {
        for (const name of ['kaiming-normal', 'torch-linear', 'keras-glorot-normal']) {
          for (const key of ['a', 'b']) seen += spectrumOf(shape, name, key, known).supported > 0 ? 1 : 0;
        }
      }
      // 36 trials of 1 %: four or more have probability 5e-4.
      assert.ok(seen <= 3, `${seen} of 36, sigma ${known ? 'known' : 'refitted'}`);
    }
  });

  it('refits sigma to within 6 % from 64 directions on', () => {
    for (const shape of shapes.filter(([rows, columns]) => Math.min(rows, columns) >= 64)) {
      const { sigma, std, refitted } = spectrumOf(shape, 'torch-linear', 'sigma', false);
      assert.ok(refitted && Math.abs(sigma / std - 1) < 0.06, `${shape}: ${sigma / std}`);
    }
  });

  it('counts planted directions exactly', () => {
    for (const shape of [shapes[2], shapes[3]]) {
      const plant = (weights: Float32Array, std: number) => addSpikes(weights, shape[0], shape[1], std, 6, 1.5);
      assert.equal(spectrumOf(shape, 'kaiming-normal', 'spikes', true, plant).supported, 6);
    }
  });

  it('sees through decay: the same directions at .7 of the scale, which the law alone would hide', () => {
    const shape = shapes[2];
    const { supported, refitted, sigma, std, sigmaIterated } = spectrumOf(
      shape,
      'kaiming-normal',
      'decay',
      true,
      (weights, s) => {
        addSpikes(weights, shape[0], shape[1], s, 6, 1.3);
        for (let i = 0; i < weights.length; i++) weights[i] *= 0.7;
      },
    );
    assert.deepEqual([supported, refitted], [6, true]);
    assert.ok(Math.abs(sigma / (0.7 * std) - 1) < 0.08, `${sigma / std}`);
    assert.ok(sigmaIterated !== undefined && Math.abs(sigmaIterated / (0.7 * std) - 1) < 0.05, `${sigmaIterated}`);
  });

  it('is not led astray by rows of different scale or by zero rows and columns, when sigma is refitted', () => {
    for (const shape of [shapes[2], shapes[3]]) {
      const [rows, columns] = shape;
      const { supported, rank } = spectrumOf(shape, 'torch-linear', 'rows', false, (weights) => {
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < columns; j++) weights[i * columns + j] *= i % 7 === 0 || j % 9 === 0 ? 0 : 0.5 + i / rows;
        }
      });
      assert.deepEqual([supported, rank], [0, Math.min(rows, columns)]);
    }
  });

  it('keeps the sigma of the law, and refuses to refit, when over 40 % of the directions stand out', () => {
    const shape = shapes[0];
    const { refitted, sigma, std } = spectrumOf(shape, 'kaiming-normal', 'many', true, (weights, s) => {
      addSpikes(weights, shape[0], shape[1], s, 28, 6);
    });
    assert.deepEqual([refitted, sigma], [false, std]);
  });

  it('scales with weights whose squares leave the range of float32, bit for bit', () => {
    const { workspace } = analysisKernels();
    const weights = Float32Array.from(normals(seed, 'scaled', 33 * 40));
    const valuesAt = (scale: number) =>
      workspace.scope(() => {
        const scaled = weights.map((weight) => weight * scale);
        return singularValues(workspace.copyIn('float32', scaled), 33, 40);
      });
    const values = valuesAt(1);
    for (const exponent of [-90, -60, -20, 20, 60, 120]) {
      const wanted = values.map((value) => value * 2 ** exponent);
      assert.deepEqual(valuesAt(2 ** exponent), wanted, `2^${exponent}`);
    }
  });
});
