/** The elementwise functions against f64 over all of float32, by the bounds in ulp that the kernels state. */
import assert from 'node:assert/strict';
import { unaryWords } from '../../src/runtime/step-kinds/unary.js';
import { relaxedRunners, runners } from '../support/step-runner.js';
import { ulpError } from './special-functions.js';
import { unaryReferences } from './unary.js';

/** Bit patterns between two samples: prime, so that mantissas vary. */
const stride = 20011;

/** Arguments at which a kernel changes its formula, saturates or rounds a denormal, with their neighbours. */
const edges = [
  0,
  0.1733,
  0.34,
  0.5,
  0.5199,
  1,
  2,
  4,
  6,
  9,
  87.3365,
  88.7228,
  103.9721,
  2 ** -126,
  2 ** -149,
  2 ** 31,
  3.4e38,
];

function sample(): Float32Array<ArrayBuffer> {
  const bits: number[] = [];
  for (let pattern = 0; pattern < 2 ** 32; pattern += stride) bits.push(pattern);
  const near = new Uint32Array(Float32Array.from([...edges, ...edges.map((x) => -x)]).buffer);
  for (const pattern of near) for (let d = -20; d <= 20; d++) bits.push((pattern + d) >>> 0);
  bits.push(0x7f800000, 0xff800000, 0x7fc00000, 0x80000000);
  return new Float32Array(Uint32Array.from(bits).buffer);
}

/** alpha and beta of each check. */
const parameters: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  'leaky-relu': [[Math.fround(0.01), 0]],
  clip: [[-1.5, 2.5]],
  'hard-sigmoid': [[Math.fround(0.2), 0.5]],
  'hard-swish': [[Math.fround(1 / 6), 0.5]],
  elu: [[1, 0]],
  silu: [
    [1, 0],
    [Math.fround(1.702), 0],
    [Math.fround(1.5957691), Math.fround(0.071354814)],
  ],
};

describe('unary kernels over all floats', () => {
  const x = sample();

  it('have a reference each', () => {
    assert.deepEqual(Object.keys(unaryReferences), unaryWords);
  });

  for (const runner of [...runners, ...relaxedRunners]) {
    for (const word of unaryWords) {
      const { ulps, slack, f } = unaryReferences[word];
      for (const [alpha, beta] of parameters[word] ?? [[0, 0]]) {
        it(`${word} (${alpha}, ${beta}) is within ${ulps} ulp (${runner.name})`, () => {
          const y = new Float32Array(x.length);
          assert.equal(runner.run('unary', { f: word, count: x.length, alpha, beta }, [x, y]), 0);
          x.forEach((argument, i) => {
            const exact = f(argument, alpha, beta);
            const slackHere = slack?.(argument, alpha, beta) ?? -1;
            const isFit = ulpError(y[i], exact) <= ulps || Math.abs(y[i] - exact) <= slackHere;
            if (!isFit) assert.fail(`${word}(${argument}): got ${y[i]}, expected ${exact}`);
          });
        });
      }
    }
  }
});

describe('erf in f64', () => {
  it('agrees with tabulated values', () => {
    const { f } = unaryReferences.erf;
    const table = [
      [0.5, 0.5204998778130465],
      [1, 0.8427007929497149],
      [2, 0.9953222650189527],
      [3.5, 0.9999992569016276],
    ];
    for (const [x, value] of table) {
      assert.ok(Math.abs(f(x, 0, 0) - value) < 1e-15, `erf(${x})`);
      assert.equal(f(-x, 0, 0), -f(x, 0, 0));
    }
  });
});
