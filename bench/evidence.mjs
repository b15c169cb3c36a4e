/**
 * Speed of the statistics on one thread, in GB/s of weights by law: moments, scores, scores with the chi-square of rows
 * and columns, and all tests of a tensor but its directions; then the supported directions of square matrices.
 */
import { analysisKernels } from '../build/src/evidence/analysis.js';
import { parseLaw } from '../build/src/evidence/laws.js';
import { measureMoments } from '../build/src/evidence/moments.js';
import { draw, score } from '../build/src/evidence/scores.js';
import { measureSpectrum } from '../build/src/evidence/spectrum.js';
import { sortScratch, testTensor } from '../build/src/evidence/tensor-tests.js';
import { median } from './statistics.mjs';
import { printTable } from './table.mjs';

const [rows, columns] = [2048, 2048];
const laws = ['uniform:0.05', 'normal:0.05', 'truncated-normal:0.05'];

/** Processor time of each round, in milliseconds: what a thread needs, however busy the machine is. */
function timed(rounds, work) {
  const ms = [];
  for (let i = 0; i < rounds; i++) {
    const start = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(start);
    ms.push((user + system) / 1000);
  }
  return ms;
}

/** GB/s of weights for every part of the work under one law. */
function benchLaw(name, { rounds }) {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const n = rows * columns;
    const weights = workspace.allocate('float32', n);
    const tested = workspace.allocate('float32', n + sortScratch);
    const scores = workspace.allocate('float32', n);
    const sums = workspace.allocate('float64', rows + columns);
    const law = parseLaw(name).weight({ fanIn: columns, fanOut: rows });
    draw(law, 1n, weights);
    // On a grid of 256 levels, as 8-bit weights are.
    const step = (2 * Math.max(...workspace.view(weights).subarray(0, 1 << 16))) / 255;
    const quantised = workspace.allocate('float32', n);
    workspace.view(quantised).set(workspace.view(weights).map((w) => step * Math.round(w / step)));
    const moments = () => kernels.f32_moments(n, weights.ptr, sums.ptr);
    const groups = () => {
      kernels.f32_row_squares(rows, columns, scores.ptr, 0, sums.ptr);
      kernels.f32_column_squares(rows, columns, scores.ptr, 0, sums.ptr + 8 * rows);
    };
    // As a tensor is tested: copied in, moments, scores, families, KS.
    const testAll = (source, dither) => {
      const block = { ...tested, length: n };
      workspace.view(block).set(workspace.view(source));
      measureMoments(name, block);
      const { ks } = testTensor(block, rows, columns, law, dither, 0.05);
      if (ks > 0.002) throw new Error(`fresh ${name} is ${ks} from its law`);
    };
    const dither = { step, key: 5n };
    const parts = {
      moments,
      pit: () => score(weights, law, null, scores),
      'pit and groups': () => {
        score(weights, law, null, scores);
        groups();
      },
      'all tests': () => testAll(weights, null),
      'pit, dithered': () => score(quantised, law, dither, scores),
      'pit and groups, dithered': () => {
        score(quantised, law, dither, scores);
        groups();
      },
      'all tests, dithered': () => testAll(quantised, dither),
    };
    return Object.entries(parts).map(([part, work]) => {
      timed(rounds, work);
      const samplesMs = timed(rounds, work);
      return { law: name, part, samplesMs, gbPerSecond: (4 * n) / median(samplesMs) / 1e6 };
    });
  });
}

const planted = 5;

/** Adds directions of 1.5, 2, .. times the edge of the noise, and shrinks everything as decay does. */
function plant(values, size, std) {
  for (let k = 0; k < planted; k++) {
    const strength = (2 * (3 + k) * std) / Math.sqrt(size);
    for (let i = 0; i < size; i++) {
      const row = strength * Math.sin(0.37 * (k + 1) * i + 1);
      for (let j = 0; j < size; j++) values[i * size + j] += row * Math.cos(0.61 * (k + 2) * j);
    }
  }
  for (let i = 0; i < values.length; i++) values[i] *= 0.6;
}

/** Seconds to count the directions of pure noise, or of a matrix whose scale is refitted, from a second decomposition. */
function benchDirections(size, isRefitted) {
  const { workspace } = analysisKernels();
  return workspace.scope(() => {
    const weights = workspace.allocate('float32', size * size);
    const law = parseLaw('torch-linear').weight({ fanIn: size, fanOut: size });
    draw(law, 2n, weights);
    if (isRefitted) plant(workspace.view(weights), size, law.std);
    let result;
    const [ms] = timed(1, () => {
      result = measureSpectrum(weights, size, size, law.std);
    });
    const { supported, refitted } = result;
    const expected = isRefitted ? planted : 0;
    if (refitted !== isRefitted || supported < expected || supported > expected + 1) {
      throw new Error(`${size} x ${size} shows ${supported} directions, refitted ${refitted}, expected ${expected}`);
    }
    return { size, seconds: ms / 1000, supported, refitted };
  });
}

export function benchEvidence({ rounds, sizes }) {
  const speeds = laws.flatMap((law) => benchLaw(law, { rounds }));
  printTable(
    'Statistics, 2048 x 2048, one thread, processor time',
    ['law', 'part', 'GB/s'],
    speeds.map(({ law, part, gbPerSecond }) => [law, part, gbPerSecond.toFixed(3)]),
  );
  const directions = sizes.flatMap((size) => [benchDirections(size, false), benchDirections(size, true)]);
  printTable(
    'Supported directions, one thread, processor time',
    ['size', 'matrix', 'seconds'],
    directions.map(({ size, refitted, seconds }) => [
      `${size} x ${size}`,
      refitted ? 'trained, scale refitted' : 'noise of the law',
      seconds.toFixed(1),
    ]),
  );
  return { speeds, directions };
}
