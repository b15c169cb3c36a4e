import assert from 'node:assert/strict';
import { shareBus } from '../../../src/annealing/bus-widths.js';
import type { Fitter } from '../../../src/annealing/fit.js';
import { linearsOf } from '../../../src/annealing/rewrite.js';
import { createRandom } from '../../oracle/random.js';
import { mlp, randomLayer } from '../../support/networks.js';

/** A fitter whose layers carry what falls by these factors from one direction to the next. */
function fitterOf(layers: readonly { name: string }[], falls: readonly number[], compared = layers): Fitter {
  const spectra = new Map(
    layers.map(({ name }, i) => [name, Float64Array.from({ length: 32 }, (_, r) => falls[i] ** r)]),
  );
  const fitter = {
    importance: { weights: null, factors: new Map(compared.map(({ name }) => [name, null])) },
    spectrum: async ({ name }: { name: string }) => ({ values: spectra.get(name) }),
    inputs: async () => ({ moments: null, positions: 1 }),
  };
  return fitter as unknown as Fitter;
}

describe('the widths of a bus', () => {
  const random = createRandom(1);
  const graph = mlp([
    randomLayer(random, 40, 64, () => true),
    randomLayer(random, 48, 40, () => true),
    randomLayer(random, 3, 48, () => true),
  ]);
  const layers = linearsOf(graph).slice(0, 2);
  const perNumber = layers.map(({ weight: { dims } }) => dims[0] + dims[1]);

  it('are larger where directions fall slower, at no more work than the same width in each', async () => {
    const widths = await shareBus(fitterOf(layers, [0.9, 0.6]), layers);
    for (const width of [4, 8, 12]) {
      const shared = widths(layers, width);
      const [first, second] = layers.map(({ name }) => shared.get(name) as number);
      assert.ok(first > width && second < width && second >= 1, `${first}, ${second} at ${width}`);
      const work = first * perNumber[0] + second * perNumber[1];
      assert.ok(work <= width * (perNumber[0] + perNumber[1]), `${work} at ${width}`);
    }
  });

  it('are the same where layers cannot be compared, where one is alone, and where there is no bus', async () => {
    const unknown = await shareBus(fitterOf(layers, [0.9, 0.6], layers.slice(1)), layers);
    assert.equal(unknown(layers, 8).size, 0);
    const known = await shareBus(fitterOf(layers, [0.9, 0.6]), layers);
    assert.equal(known(layers.slice(0, 1), 8).size, 0);
    assert.equal(known(layers, 0).size, 0);
  });
});
