import assert from 'node:assert/strict';
import { linearsOf } from '../../../src/annealing/rewrite.js';
import { supportedRanks } from '../../../src/annealing/supported-ranks.js';
import type { SpectrumResult, TensorEvidence } from '../../../src/evidence/evidence.js';
import { createRandom } from '../../oracle/random.js';
import { mlp } from '../../support/networks.js';

const [out, inputs] = [64, 96];

/** A graph of one layer: draws of torch-linear times `scale`, and `count` directions three times as strong as noise. */
function planted(scale: number, count: number) {
  const random = createRandom(31);
  const edge = (Math.sqrt(out) + Math.sqrt(inputs)) / Math.sqrt(3 * inputs);
  const data = Float32Array.from({ length: out * inputs }, () => (2 * random.uniform() - 1) / Math.sqrt(inputs));
  for (let s = 0; s < count; s++) {
    const u = Float64Array.from({ length: out }, () => random.normal());
    const v = Float64Array.from({ length: inputs }, () => random.normal());
    const size = (3 * edge) / (Math.hypot(...u) * Math.hypot(...v));
    for (let e = 0; e < data.length; e++) data[e] += size * u[Math.floor(e / inputs)] * v[e % inputs];
  }
  const row = (i: number) => Array.from(data.subarray(i * inputs, (i + 1) * inputs), (w) => w * scale);
  return mlp([{ weight: Array.from({ length: out }, (_, i) => row(i)), bias: new Array(out).fill(0) }]);
}

function evidenceOf(graph: ReturnType<typeof planted>, supported: number, refitted: boolean) {
  const spectrum = { supported, rank: out, refitted, longerSide: inputs } as SpectrumResult;
  const [{ name }] = linearsOf(graph);
  return new Map([[name, { law: 'torch-linear', spectrum } as TensorEvidence]]);
}

describe('supportedRanks', () => {
  const rankOf = (graph: ReturnType<typeof planted>, supported: number, refitted = true) =>
    [...supportedRanks(graph, evidenceOf(graph, supported, refitted)).values()][0];

  it('counts in the weights as they stand where their bulk is the noise of the law', () => {
    assert.equal(rankOf(planted(1, 5), 2), 5);
  });

  it('takes the count of evidence where it is not, and where it was not refitted', () => {
    assert.equal(rankOf(planted(0.6, 5), 2), 2);
    assert.equal(rankOf(planted(1, 5), 3, false), 3);
  });

  it('has none where over 40 % of the directions are supported', () => {
    assert.equal(rankOf(planted(0.6, 5), 30), undefined);
  });
});
