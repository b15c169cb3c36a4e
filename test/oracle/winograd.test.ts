/**
 * Convolution by Winograd's tiles beside the plain sum in f64. The bound is that of assembly/operators/winograd.ts: what
 * cancels in an output may be as large as its tile, so each output's bound sums over the tile.
 */
import assert from 'node:assert/strict';
import { scratchLength, type WindowSizes } from '../../src/runtime/step-kinds/windows.js';
import { Random } from '../support/random.js';
import { runners } from '../support/step-runner.js';
import { gamma } from './expectation.js';

const [debug, plain] = ['debug', 'plain'].map((name) => runners.find((runner) => runner.name === name)!);

type Matrix = readonly (readonly number[])[];

const inputs: Matrix = [
  [1, 0, -1, 0],
  [0, 1, 1, 0],
  [0, -1, 1, 0],
  [0, 1, 0, -1],
];
const weights: Matrix = [
  [1, 0, 0],
  [0.5, 0.5, 0.5],
  [0.5, -0.5, 0.5],
  [0, 0, 1],
];
const outputs: Matrix = [
  [1, 1, 1, 0],
  [0, 1, -1, -1],
];

const magnitudes = (matrix: Matrix): Matrix => matrix.map((row) => row.map(Math.abs));
const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0].map((_, j) => row.reduce((sum, value, k) => sum + value * b[k][j], 0)));
const transposed = (matrix: Matrix): Matrix => matrix[0].map((_, j) => matrix.map((row) => row[j]));
/** |T| |m| |T|^T. */
const spread = (transform: Matrix, matrix: Matrix) =>
  times(times(magnitudes(transform), magnitudes(matrix)), transposed(magnitudes(transform)));

interface Case {
  readonly N?: number;
  readonly groups?: number;
  readonly C: number;
  readonly O: number;
  readonly input: readonly [number, number];
  /** In front of rows and columns, and behind them. */
  readonly pads?: readonly [number, number, number, number];
  readonly tile?: readonly [number, number];
  readonly lo?: number;
}

function check({ N = 1, groups = 1, C, O, input: [H, W], pads = [1, 1, 1, 1], tile, lo = -Infinity }: Case): void {
  const [top, left, bottom, right] = pads;
  const [height, width] = [H + top + bottom - 2, W + left + right - 2];
  const sizes: WindowSizes = {
    ...{ N, groups, C, O, input: [1, H, W], kernel: [1, 3, 3], strides: [1, 1, 1], dilations: [1, 1, 1] },
    ...{ pads: [0, top, left], output: [1, height, width], tile: tile ?? [Math.ceil(256 / width), width] },
  };
  const random = new Random(C * 1000 + O);
  const [x, w] = [random.floats(N * groups * C * H * W), random.floats(groups * O * (1 + 9 * C))];
  const run = (runner: typeof debug) => {
    const y = new Float32Array(N * groups * O * height * width);
    const params = { ...sizes, lo, hi: Infinity };
    assert.equal(runner.run('conv', params, [x, w, y, new Float32Array(scratchLength(sizes))]), 0);
    return y;
  };
  const got = run(debug);
  assert.notDeepEqual(got, run(plain), 'the tiles were not taken');
  const inputAt = (image: number, c: number, h: number, v: number) =>
    h < 0 || v < 0 || h >= H || v >= W ? 0 : x[((image * C + c) * H + h) * W + v];
  const patch = (image: number, c: number, h: number, v: number): Matrix =>
    [0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((j) => inputAt(image, c, h - top + i, v - left + j)));
  for (let image = 0; image < N * groups; image++) {
    for (let o = 0; o < O; o++) {
      const row = ((image % groups) * O + o) * (1 + 9 * C);
      const taps = Array.from({ length: C }, (_, c) =>
        [0, 1, 2].map((i) => [0, 1, 2].map((j) => w[row + 1 + 9 * c + 3 * i + j])),
      );
      const wide = taps.map((one) => spread(weights, one));
      for (let h = 0; h < height; h += 2) {
        for (let v = 0; v < width; v += 2) {
          const tiles = taps.map((_, c) => patch(image, c, h, v));
          const places = tiles.map((one, c) =>
            spread(inputs, one).map((line, i) => line.map((value, j) => value * wide[c][i][j])),
          );
          const sums = places[0].map((line, i) => line.map((_, j) => places.reduce((sum, one) => sum + one[i][j], 0)));
          const bounds = spread(outputs, sums);
          for (let i = 0; i < Math.min(2, height - h); i++) {
            for (let j = 0; j < Math.min(2, width - v); j++) {
              const products = taps.flatMap((one, c) =>
                one.flatMap((line, a) => line.map((tap, b) => tap * tiles[c][i + a][j + b])),
              );
              const exact = products.reduce((sum, product) => sum + product, w[row]);
              const bound = gamma(C + 14) * (bounds[i][j] + Math.abs(w[row]));
              const value = got[((image * O + o) * height + h + i) * width + v + j];
              const error = Math.abs(value - Math.max(exact, lo));
              assert.ok(error <= bound, `output ${o} at ${h + i}, ${v + j}: off by ${error}, at most ${bound}`);
            }
          }
        }
      }
    }
  }
}

describe('convolution by tiles of 2 x 2', () => {
  it('is the convolution, for images of even and odd sizes and any padding', () => {
    check({ C: 32, O: 5, input: [8, 8] });
    check({ C: 33, O: 34, input: [7, 15] });
    check({ C: 34, O: 3, input: [10, 9], pads: [0, 0, 0, 0] });
    check({ C: 35, O: 2, input: [9, 6], pads: [2, 0, 1, 2] });
    check({ C: 32, O: 1, input: [17, 8], pads: [1, 1, 0, 1] });
  });

  it('takes several images, groups, blocks of outputs, and clamps', () => {
    check({ N: 2, groups: 2, C: 32, O: 33, input: [6, 8], lo: 0 });
  });

  it('cuts wide images, and takes smaller blocks where channels fill the scratch', () => {
    check({ C: 32, O: 2, input: [4, 300], tile: [1, 160] });
    check({ C: 256, O: 17, input: [8, 8], tile: [8, 8] });
    check({ C: 160, O: 2, input: [12, 16], tile: [4, 16] });
  });
});
