import assert from 'node:assert/strict';
import { parseLaw } from '../../../src/evidence/index.js';
import { binomialTolerance, groupLogP, powerAndFdr } from './groups.js';

const seed = Number(process.env['KERF_TEST_SEED'] ?? 1);
const fans = { fanIn: 300, fanOut: 128 };
const groups = 60000;
const laws = [
  'torch-linear',
  'kaiming-uniform',
  'kaiming-normal',
  'glorot-uniform',
  'truncated-normal:0.02',
  'keras-glorot-normal',
];

const shareBelow = (logP: Float64Array, level: number) =>
  logP.reduce((sum, value) => sum + (value <= Math.log(level) ? 1 : 0), 0) / logP.length;

/** Distance of p-values from the uniform law. */
function distanceFromUniform(logP: Float64Array): number {
  const p = logP.map(Math.exp).sort();
  return p.reduce((most, u, i) => Math.max(most, (i + 1) / p.length - u, u - i / p.length), 0);
}

describe(`T1: p-values are uniform under the null (seed ${seed})`, () => {
  for (const name of laws) {
    it(`holds for groups of 8 under ${name}, at the levels .05 and .001`, () => {
      const law = parseLaw(name).weight(fans);
      const logP = groupLogP(law, law, groups, seed);
      for (const level of [0.05, 0.001]) {
        const size = shareBelow(logP, level);
        assert.ok(Math.abs(size - level) <= binomialTolerance(level, groups), `size ${size} at ${level}`);
      }
      const distance = distanceFromUniform(logP);
      assert.ok(distance < 0.01, `distance ${distance}`);
    });

    it(`fails for ${name} when the scale is off by 3 %`, () => {
      const law = parseLaw(name).weight(fans);
      for (const factor of [0.97, 1.03]) {
        const truth = { ...law, scale: law.scale * factor, std: law.std * factor };
        const logP = groupLogP(truth, law, groups, seed);
        const isSizeOff = Math.abs(shareBelow(logP, 0.05) - 0.05) > binomialTolerance(0.05, groups);
        assert.ok(isSizeOff && distanceFromUniform(logP) > 0.01, `scale x ${factor} went unnoticed`);
      }
    });
  }
});

describe(`T2: power and false discovery rate of chi-square with Benjamini-Hochberg (seed ${seed})`, () => {
  const cases = [
    ['kaiming-normal', 1, 0.075],
    ['kaiming-normal', 2, 0.815],
    ['kaiming-normal', 3, 0.974],
    ['torch-linear', 0.5, 0.62],
    ['torch-linear', 1, 0.88],
    ['torch-linear', 2, 0.99],
  ] as const;
  for (const [name, c, power] of cases) {
    it(`has power ${power} against an added N(0, (${c} s)^2) under ${name}`, () => {
      const law = parseLaw(name).weight(fans);
      const level = 0.05;
      const logP = groupLogP(law, law, groups, seed, { share: 0.1, c });
      const found = powerAndFdr(logP, 0.1 * groups, level);
      assert.ok(Math.abs(found.power - power) <= 0.02, `power ${found.power}`);
      // The rate is bounded by the share of true nulls times the level; the proportion seen scatters around it.
      const rejected = (found.power * 0.1 * groups) / (1 - found.fdr);
      assert.ok(found.fdr <= 1.1 * level + binomialTolerance(level, rejected), `false discoveries ${found.fdr}`);
    });
  }
});
