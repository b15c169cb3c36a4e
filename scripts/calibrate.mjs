/**
 * `npm run calibrate -- --seed N`: measures size, power and error rates of the statistics on planted weights, and writes
 * docs/calibration.md. Exits with 1 when a figure leaves its binomial tolerance.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { balance } from '../build/src/evidence/balance.js';
import {
  analysisKernels,
  analyzeLayers,
  chiSquareLogP,
  columnBlocks,
  findBlocks,
  groupNull,
  groupTests,
  parseLaw,
  refitScale,
  tensorKey,
} from '../build/src/evidence/index.js';
import { jointsOf } from '../build/src/evidence/joints.js';
import { draw } from '../build/src/evidence/scores.js';
import { tensorsOf } from '../build/src/evidence/tensor-input.js';
import { productLogP } from '../build/src/evidence/unit-null.js';
import { freshNet } from '../build/test/support/fresh-layers.js';
import { binomialTolerance, groupLogP, groupSize, groupSums, powerAndFdr } from '../build/test/support/groups.js';
import { adjustedRandIndex, plantedBlocks } from '../build/test/support/planted-blocks.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values: options } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, out: { type: 'string', default: 'docs/calibration.md' } },
});
const seed = Number(options.seed);
if (!Number.isSafeInteger(seed)) {
  process.stderr.write(`--seed: not a whole number: got "${options.seed}".\n`);
  process.exit(2);
}

const groups = 60000;
const level = 0.05;
const fans = { fanIn: 300, fanOut: 128 };
const laws = [
  'torch-linear',
  'kaiming-uniform',
  'kaiming-normal',
  'glorot-uniform',
  'truncated-normal:0.02',
  'keras-glorot-normal',
];
const law = (name) => parseLaw(name).weight(fans);
const shareBelow = (logP, at) => logP.reduce((sum, value) => sum + (value <= Math.log(at) ? 1 : 0), 0) / logP.length;
const fixed = (value, digits = 3) => value.toFixed(digits);
const failures = [];

/** A figure, marked and remembered when it is not as it should be. */
function checked(text, isRight, what) {
  if (!isRight) failures.push(what);
  return isRight ? text : `**${text}**`;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

/** Size of every test under every law. */
function sizes() {
  const rows = groupTests.flatMap((test) =>
    [0.05, 0.001].map((at) => {
      const cells = laws.map((name) => {
        const size = shareBelow(groupLogP(law(name), law(name), groups, seed, undefined, test), at);
        // The simulated null of Anderson-Darling has 65,536 groups, so its error adds to that of the trials.
        const trials = groupNull[test] === 'simulated' ? groups / 2 : groups;
        const isRight = Math.abs(size - at) <= binomialTolerance(at, trials);
        return checked(fixed(size, at < 0.01 ? 5 : 4), isRight, `size of ${test} at ${at} under ${name}`);
      });
      return [test, groupNull[test], at, ...cells];
    }),
  );
  return table(['test', 'null', 'level', ...laws], rows);
}

const plants = [
  ['kaiming-normal', 'variance', 1],
  ['kaiming-normal', 'variance', 2],
  ['kaiming-normal', 'variance', 3],
  ['kaiming-normal', 'shift', 1],
  ['kaiming-normal', 'shift', 2],
  ['kaiming-normal', 'one', 4],
  ['kaiming-normal', 'one', 6],
  ['keras-glorot-normal', 'variance', 0.5],
  ['keras-glorot-normal', 'variance', 1],
  ['torch-linear', 'variance', 0.5],
  ['torch-linear', 'variance', 1],
];

/** Power and false discovery proportion of every test against every plant. */
function powers() {
  const rows = plants.map(([name, kind, c]) => {
    const cells = groupTests.map((test) => {
      const logP = groupLogP(law(name), law(name), groups, seed, { share: 0.1, kind, c }, test);
      const { power, fdr } = powerAndFdr(logP, 0.1 * groups, level);
      const rejected = Math.max(1, (power * 0.1 * groups) / Math.max(1e-9, 1 - fdr));
      const isRight = rejected < 50 || fdr <= 1.1 * level + binomialTolerance(level, rejected);
      return checked(`${fixed(power)} / ${fixed(fdr)}`, isRight, `FDR of ${test} against ${kind} ${c} under ${name}`);
    });
    return [`${name}, ${kind} ${c}`, ...cells];
  });
  return table(['law, plant', ...groupTests], rows);
}

/** False discoveries when sigma is assumed too small, by the theory's null and by the refitted one. */
function misscaled() {
  const truth = law('kaiming-normal');
  const plant = { share: 0.1, kind: 'variance', c: 2 };
  const rows = [0.98, 0.95, 0.9].map((factor) => {
    const assumed = { ...truth, scale: factor * truth.scale, std: factor * truth.std };
    const naive = powerAndFdr(groupLogP(truth, assumed, groups, seed, plant), 0.1 * groups, level);
    const sums = groupSums(truth, assumed, groups, seed, plant);
    const ratio = refitScale(sums, groupSize);
    const refitted = chiSquareLogP(
      sums.map((sum) => sum / ratio ** 2),
      groupSize,
    );
    const { power, fdr } = powerAndFdr(refitted, 0.1 * groups, level);
    const isRight = fdr <= 0.06 + binomialTolerance(level, 0.09 * groups) && Math.abs(ratio * factor - 1) < 0.02;
    return [
      `${Math.round(100 * (1 - factor))} %`,
      fixed(naive.fdr),
      checked(fixed(fdr), isRight, `refitted null at ${factor}`),
      fixed(power),
      fixed(ratio * factor),
    ];
  });
  return table(['sigma too small by', 'FDR, theory', 'FDR, refitted', 'power, refitted', 'sigma found'], rows);
}

function storey() {
  const normal = law('kaiming-normal');
  const logP = groupLogP(normal, normal, groups, seed, { share: 0.1, kind: 'variance', c: 2 });
  const rows = ['bonferroni', 'holm', 'benjamini-hochberg', 'storey'].map((method) => {
    const { power, fdr } = powerAndFdr(logP, 0.1 * groups, level, method);
    return [method, fixed(power), fixed(fdr, 4)];
  });
  return table(['method', 'power', 'false discoveries'], rows);
}

/** Planted blocks: what is found of them. */
function blocks() {
  const cases = [
    [2, 0.5],
    [4, 0.5],
    [4, 1],
    [8, 0.75],
    [8, 1],
    [16, 1],
    [16, 2],
  ];
  const rows = cases.map(([k, c]) => {
    const { labels, evidence } = plantedBlocks(256, k, c, seed);
    const found = findBlocks(evidence, 256, { seed });
    const index = adjustedRandIndex(labels, found.labels);
    const isRight = c < 1 || index >= (k === 16 ? 0.97 : 0.999);
    return [k, c, found.k, checked(fixed(index), isRight, `${k} blocks of ${c}`), fixed(found.strength, 2)];
  });
  return table(['planted k', 'c', 'found k', 'adjusted Rand index', 'eigenvalue over its noise edge'], rows);
}

/** Pure noise in 30 shapes: blocks, directions, units. */
async function noise() {
  const { workspace } = analysisKernels();
  let split = 0;
  let directions = 0;
  let nets = 0;
  for (let i = 0; i < 30; i++) {
    const name = laws[i % laws.length];
    const [rows, columns] = [32 + ((i * 37) % 200), 40 + ((i * 101) % 360)];
    const k = workspace.scope(() => {
      const weights = workspace.allocate('float32', rows * columns);
      draw(parseLaw(name).weight({ fanIn: columns, fanOut: rows }), tensorKey(seed, `noise ${i}`), weights);
      return columnBlocks(weights, rows, columns, seed).k;
    });
    split += k > 1 ? 1 : 0;
    const { tensors, units } = await analyzeLayers(freshNet(name, [columns, rows, 16], seed + 1000 * i), {
      init: name,
    });
    directions += tensors[0].spectrum.supported > 0 ? 1 : 0;
    nets += units[0].supported.includes(1) ? 1 : 0;
  }
  return table(
    ['pure noise, 30 matrices', 'seen', 'allowed'],
    [
      ['more than one block', checked(split, split === 0, 'blocks in noise'), 0],
      ['a supported direction', checked(directions, directions <= 2, 'directions in noise'), 2],
      ['a supported unit', checked(nets, nets <= 7, 'units in noise'), 'q = .05 of the nets'],
    ],
  );
}

/** Size of the test of hidden units whose scale is free, on fresh nets of several widths. */
function unitSizes() {
  const shapes = [
    [200, 120, 10],
    [64, 64, 64, 64],
    [32, 32, 4],
    [784, 256, 1],
  ];
  const rows = [];
  for (const name of laws) {
    for (const widths of shapes) {
      const found = [];
      for (let net = 0; found.length < 6000; net++) {
        const layers = freshNet(name, widths, seed + 7919 * net);
        const rule = parseLaw(name);
        const lawOf = ({ kind, fans }) => (kind === 'bias' ? rule.bias(fans) : rule.weight(fans));
        const joints = jointsOf(layers, tensorsOf(layers), lawOf);
        for (const balanced of balance(joints)) found.push(...productLogP(balanced).map(Math.exp));
      }
      const cells = [0.05, 0.001].map((at) => {
        const size = found.filter((p) => p <= at).length / found.length;
        // The saddle point and the neighbours' factors may be off by a tenth of the level.
        const isRight = Math.abs(size - at) <= 0.1 * at + binomialTolerance(at, found.length);
        return checked(fixed(size, at < 0.01 ? 5 : 4), isRight, `size of units at ${at} under ${name}, ${widths}`);
      });
      rows.push([name, widths.join('-'), found.length, ...cells]);
    }
  }
  return table(['law', 'net', 'units', 'at 0.05', 'at 0.001'], rows);
}

/** Verdicts on fresh nets of every law, at the right scale and 3.5 % off. */
async function verdicts() {
  const widths = [400, 300, 10];
  const rows = [];
  for (const name of [...laws, 'glorot-normal', 'lecun-uniform', 'lecun-normal', 'keras-he-normal']) {
    const cells = [];
    for (const scale of [1, 0.965, 1.035]) {
      const { tensors } = await analyzeLayers(freshNet(name, widths, seed, scale), { init: name });
      const { verdict } = tensors[0];
      cells.push(checked(verdict, verdict === (scale === 1 ? 'initialisation' : 'partly'), `${name} x ${scale}`));
    }
    rows.push([name, ...cells]);
  }
  return table(['law', 'right scale', 'scale x .965', 'scale x 1.035'], rows);
}

const started = performance.now();
const sections = [
  '# Calibration of the statistics',
  `Made by \`npm run calibrate -- --seed ${seed}\`. Weights are drawn from each law; groups are ${groupSize} weights,\n` +
    `${groups.toLocaleString('en')} of them; a figure in bold lies outside its binomial tolerance (4.5 standard\n` +
    'deviations), and then the command fails. Any seed should pass.',
  '## Size',
  'Share of null groups with p at or under the level.',
  sizes(),
  '## Power and false discoveries',
  `A tenth of the groups is moved: *variance* adds N(0, c^2) to each weight, *shift* adds c to all eight with one sign,\n` +
    '*one* adds c to one of the eight; c in standard deviations of the law. Cells: power / false discovery proportion,\n' +
    'Benjamini-Hochberg at .05.',
  powers(),
  '## Multiple testing',
  'Chi-square, normal law, variance 2.',
  storey(),
  '## A wrong scale',
  misscaled(),
  '## Blocks',
  `256 nodes, ${groupSize} weights an edge, edges within a block carry an added N(0, c^2).`,
  blocks(),
  await noise(),
  '## Hidden units',
  'Units whose scale is free (ReLU), tested by the product of their mean squares in and out: share of null units with p at\n' +
    'or under the level. The saddle point and the balancing of neighbours are allowed a tenth of the level.',
  unitSizes(),
  '## Verdicts on fresh nets',
  await verdicts(),
];
const path = join(root, options.out);
mkdirSync(dirname(path), { recursive: true });
writeFileSync(path, `${sections.join('\n\n')}\n`);
const seconds = ((performance.now() - started) / 1000).toFixed(0);
process.stdout.write(
  `${options.out}: ${failures.length === 0 ? 'all figures in tolerance' : 'FAILED'} (${seconds} s)\n`,
);
for (const failure of failures) process.stdout.write(`  out of tolerance: ${failure}\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
