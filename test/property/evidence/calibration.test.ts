import assert from 'node:assert/strict';
import {
  analysisKernels,
  chiSquareLogP,
  findTouched,
  groupTests,
  type Law,
  parseLaw,
  refitScale,
  tensorKey,
} from '../../../src/evidence/index.js';
import { draw } from '../../../src/evidence/scores.js';
import { binomialTolerance, groupLogP, groupSize, groupSums, type Plant, powerAndFdr } from '../../support/groups.js';

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
      const logP = groupLogP(law, law, groups, seed, { share: 0.1, kind: 'variance', c });
      const found = powerAndFdr(logP, 0.1 * groups, level);
      assert.ok(Math.abs(found.power - power) <= 0.02, `power ${found.power}`);
      // The rate is bounded by the share of true nulls times the level; the proportion seen scatters around it.
      const rejected = (found.power * 0.1 * groups) / (1 - found.fdr);
      assert.ok(found.fdr <= 1.1 * level + binomialTolerance(level, rejected), `false discoveries ${found.fdr}`);
    });
  }
});

describe(`size of every group test (seed ${seed})`, () => {
  const few = 20000;
  for (const test of groupTests) {
    it(`is nominal for ${test} under a normal, a uniform and a truncated law`, () => {
      for (const name of ['kaiming-normal', 'torch-linear', 'keras-glorot-normal']) {
        const law = parseLaw(name).weight(fans);
        const logP = groupLogP(law, law, few, seed, undefined, test);
        for (const level of [0.05, 0.001]) {
          const size = shareBelow(logP, level);
          // A simulated null of 65,536 groups has an error of its own.
          const trials = test === 'anderson-darling' ? few / 1.3 : few;
          assert.ok(Math.abs(size - level) <= binomialTolerance(level, trials), `${name}: size ${size} at ${level}`);
        }
        // Higher criticism is 1 whenever no p-value lies below its rank; the others are uniform throughout.
        if (test !== 'higher-criticism') assert.ok(distanceFromUniform(logP) < 2.2 / Math.sqrt(few), name);
      }
    });
  }
});

describe(`power of every group test against planted moves (seed ${seed})`, () => {
  const law = parseLaw('kaiming-normal').weight(fans);
  const plants: readonly Plant[] = [
    { share: 0.1, kind: 'variance', c: 2 },
    { share: 0.1, kind: 'shift', c: 1 },
    { share: 0.1, kind: 'shift', c: 2 },
    { share: 0.1, kind: 'one', c: 4 },
    { share: 0.1, kind: 'one', c: 6 },
  ];
  /** Power at q = .05 in the order of `plants`, measured once outside of this code. */
  const expected = {
    'chi-square': [0.815, 0.033, 0.949, 0.458, 0.974],
    variance: [0.772, 0.018, 0.922, 0.363, 0.958],
    fisher: [0.811, 0.041, 0.959, 0.346, 0.948],
    'higher-criticism': [0.646, 0, 0.388, 0.692, 0.995],
    max: [0.619, 0, 0.295, 0.689, 0.995],
    mean: [0.117, 0.406, 0.998, 0.001, 0.083],
    ks: [0.002, 0.162, 0.969, 0, 0],
  } as const;
  for (const [test, powers] of Object.entries(expected)) {
    it(`is what it should be for ${test}`, () => {
      for (const [i, plant] of plants.entries()) {
        const logP = groupLogP(law, law, groups, seed, plant, test as keyof typeof expected);
        const { power } = powerAndFdr(logP, 0.1 * groups, 0.05);
        assert.ok(Math.abs(power - powers[i]) <= 0.03, `${plant.kind} ${plant.c}: power ${power}, not ${powers[i]}`);
      }
    });
  }
});

describe(`Storey's rate (seed ${seed})`, () => {
  it('gains half a point of power or more, and stays near its level', () => {
    const law = parseLaw('kaiming-normal').weight(fans);
    const logP = groupLogP(law, law, groups, seed, { share: 0.1, kind: 'variance', c: 2 });
    const [plain, adaptive] = [undefined, 'storey' as const].map((method) => {
      return powerAndFdr(logP, 0.1 * groups, 0.05, method);
    });
    assert.ok(adaptive.power >= plain.power + 0.003, `${adaptive.power} against ${plain.power}`);
    assert.ok(adaptive.fdr <= 0.057 + binomialTolerance(0.05, 0.09 * groups), `${adaptive.fdr}`);
  });
});

describe(`T3: a scale that is 10 % too small (seed ${seed})`, () => {
  it('quadruples false discoveries, and the refitted null takes them back', () => {
    const truth = parseLaw('kaiming-normal').weight(fans);
    const assumed: Law = { ...truth, scale: 0.9 * truth.scale, std: 0.9 * truth.std };
    const plant: Plant = { share: 0.1, kind: 'variance', c: 2 };
    const naive = powerAndFdr(groupLogP(truth, assumed, groups, seed, plant), 0.1 * groups, 0.05);
    assert.ok(naive.fdr > 0.15 && naive.fdr < 0.25, `theory null: ${naive.fdr}`);
    const sums = groupSums(truth, assumed, groups, seed, plant);
    const factor = refitScale(sums, groupSize);
    assert.ok(Math.abs(factor * 0.9 - 1) < 0.02, `sigma ${factor * 0.9} of the truth`);
    const refitted = chiSquareLogP(
      sums.map((sum) => sum / factor ** 2),
      groupSize,
    );
    const { fdr } = powerAndFdr(refitted as Float64Array<ArrayBuffer>, 0.1 * groups, 0.05);
    assert.ok(fdr <= 0.06 + binomialTolerance(0.05, 0.09 * groups) / 2, `refitted null: ${fdr}`);
  });
});

describe(`T4: decay to one half, with the checkpoint at hand (seed ${seed})`, () => {
  it('has power 1 and no false discovery', () => {
    const { workspace } = analysisKernels();
    const law = parseLaw('torch-linear').weight(fans);
    workspace.scope(() => {
      const n = 6000 * groupSize;
      const initial = workspace.allocate('float32', n);
      const weights = workspace.allocate('float32', n);
      draw(law, tensorKey(seed, 'initial'), initial);
      const start = workspace.view(initial);
      const now = workspace.view(weights);
      // 700 steps of decay, each rounded to f32; the first tenth of the groups also moves by a tenth of a deviation.
      const factor = Math.fround(0.5 ** (1 / 700));
      for (let i = 0; i < n; i++) {
        let w = start[i];
        for (let step = 0; step < 700; step++) w = Math.fround(w * factor);
        now[i] = i < n / 10 ? w + (i % 2 === 0 ? 1 : -1) * 0.1 * law.std : w;
      }
      const { rows, decay } = findTouched(weights, initial, 6000, groupSize);
      assert.ok(Math.abs(decay - 0.5) < 1e-4, `decay ${decay}`);
      for (let g = 0; g < 6000; g++) assert.equal(rows[g] > 0, g < 600, `group ${g}`);
    });
  });
});
