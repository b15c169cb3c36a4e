/**
 * Speed of the statistics on one thread: moments, and scores with the chi-square of rows and columns, in GB/s of weights
 * by law; and the supported directions of one square matrix.
 */
import { analysisKernels } from '../build/src/evidence/analysis.js';
import { parseLaw } from '../build/src/evidence/laws.js';
import { draw, score } from '../build/src/evidence/scores.js';
import { measureSpectrum } from '../build/src/evidence/spectrum.js';
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
    const parts = {
      moments,
      pit: () => score(weights, law, null, scores),
      'pit and groups': () => {
        score(weights, law, null, scores);
        groups();
      },
      'pit, dithered': () => score(quantised, law, { step, key: 5n }, scores),
    };
    return Object.entries(parts).map(([part, work]) => {
      timed(rounds, work);
      const samplesMs = timed(rounds, work);
      return { law: name, part, samplesMs, gbPerSecond: (4 * n) / median(samplesMs) / 1e6 };
    });
  });
}

/** Seconds to count the directions of a matrix of pure noise. */
function benchDirections(size) {
  const { workspace } = analysisKernels();
  return workspace.scope(() => {
    const weights = workspace.allocate('float32', size * size);
    const law = parseLaw('torch-linear').weight({ fanIn: size, fanOut: size });
    draw(law, 2n, weights);
    let supported = 0;
    const [ms] = timed(1, () => {
      supported = measureSpectrum(weights, size, size, law.std).supported;
    });
    if (supported > 1) throw new Error(`noise of ${size} x ${size} shows ${supported} directions`);
    return { size, seconds: ms / 1000, supported };
  });
}

export function benchEvidence({ rounds, sizes }) {
  const speeds = laws.flatMap((law) => benchLaw(law, { rounds }));
  printTable(
    'Statistics, 2048 x 2048, one thread, processor time',
    ['law', 'part', 'GB/s'],
    speeds.map(({ law, part, gbPerSecond }) => [law, part, gbPerSecond.toFixed(3)]),
  );
  const directions = sizes.map(benchDirections);
  printTable(
    'Supported directions, one thread, processor time',
    ['size', 'seconds'],
    directions.map(({ size, seconds }) => [`${size} x ${size}`, seconds.toFixed(1)]),
  );
  return { speeds, directions };
}
