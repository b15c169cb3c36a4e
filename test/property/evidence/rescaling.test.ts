/** T9: rescaling and permuting hidden units keeps the function, and every decision on units and tensors with it. */
import assert from 'node:assert/strict';
import { analyzeLayers, type Evidence } from '../../../src/evidence/index.js';
import { canonicalise, findLayers, type Layer } from '../../../src/graph/index.js';
import { loadModel } from '../../../src/model/index.js';
import { createRandom } from '../../oracle/random.js';
import { freshNet } from '../../support/fresh-layers.js';
import { rescaleHidden } from '../../support/rescale.js';

const seed = Number(process.env['KERF_TEST_SEED'] ?? 1);

/** Shared over all supported units, after the units are named alike; 1 where neither has any. */
function unitJaccard(a: Evidence, b: Evidence, orders: ReadonlyMap<string, readonly number[]>): number {
  let [both, any] = [0, 0];
  for (const [i, { layer, supported }] of a.units.entries()) {
    const order = orders.get(layer) ?? Array.from(supported.keys());
    order.forEach((from, to) => {
      both += supported[from] & b.units[i].supported[to];
      any += supported[from] | b.units[i].supported[to];
    });
  }
  return any === 0 ? 1 : both / any;
}

const decisions = ({ tensors }: Evidence) => tensors.map(({ name, law, verdict }) => ({ name, law, verdict }));

/** Fresh weights, in which the first units of each hidden layer moved by twice their spread. */
function plantedNet(): Layer[] {
  const layers = freshNet('kaiming-normal', [200, 120, 64, 10], seed);
  const random = createRandom(seed);
  for (const { weight } of layers.slice(0, 2)) {
    const moved = 12 * weight.dims[1];
    for (let i = 0; i < moved; i++) weight.data[i] += 2 * Math.sqrt(2 / weight.dims[1]) * random.normal();
  }
  return layers;
}

describe(`T9: hidden units under other scales and other names (seed ${seed})`, () => {
  const nets: Record<string, () => Promise<Layer[]>> = {
    'torch-linear': async () => freshNet('torch-linear', [200, 120, 64, 10], seed),
    'glorot-uniform': async () => freshNet('glorot-uniform', [300, 200, 10], seed),
    'keras-glorot-normal': async () => freshNet('keras-glorot-normal', [100, 100, 100, 100, 10], seed),
    'kaiming-normal': async () => plantedNet(),
    digits: async () => [...findLayers(canonicalise((await loadModel('test/golden/digits/digits.onnx')).graph))],
  };

  for (const [name, make] of Object.entries(nets)) {
    for (const init of [name === 'digits' ? 'torch-linear' : name, 'auto']) {
      it(`keeps laws, verdicts and supported units of the ${name} net, init ${init}`, async () => {
        const layers = await make();
        const { layers: changed, orders } = rescaleHidden(layers, seed);
        const [before, after] = [await analyzeLayers(layers, { init }), await analyzeLayers(changed, { init })];
        assert.deepEqual(decisions(after), decisions(before));
        assert.equal(unitJaccard(before, after, orders), 1);
        const found = before.units.reduce(
          (sum, { supported }) => sum + supported.filter((flag) => flag === 1).length,
          0,
        );
        if (name === 'digits') assert.ok(found > 100, `${found} units`);
        if (name === 'kaiming-normal') assert.ok(found >= 20 && found <= 30, `${found} units`);
      });
    }
  }

  it('leaves a fresh net as it is, bit for bit, and says where it balanced another', async () => {
    const layers = freshNet('torch-linear', [200, 120, 64, 10], seed);
    const whole = await analyzeLayers(layers, { init: 'torch-linear' });
    const apart = await analyzeLayers(
      layers.map((layer) => ({ ...layer, isRescalable: false })),
      { init: 'torch-linear' },
    );
    const without = ({ tensors }: Evidence) => tensors.map(({ units: _, ...tensor }) => tensor);
    assert.deepEqual(without(whole), without(apart));
    const { layers: changed } = rescaleHidden(layers, seed);
    const { tensors } = await analyzeLayers(changed, { init: 'torch-linear' });
    assert.match(tensors[0].reason, /hidden units balanced/);
  });

  it('keeps the scale that a layer without free units has: an output layer off by 3.5 %, a tanh layer of three times', async () => {
    const layers = freshNet('torch-linear', [400, 400, 10], seed, 1.035);
    assert.equal((await analyzeLayers(layers, { init: 'torch-linear' })).tensors[0].verdict, 'partly');
    const tanh = freshNet('torch-linear', [200, 120, 10], seed).map((layer) => ({ ...layer, isRescalable: false }));
    for (let i = 0; i < tanh[0].weight.data.length; i++) tanh[0].weight.data[i] *= 3;
    assert.equal((await analyzeLayers(tanh, { init: 'torch-linear' })).tensors[0].verdict, 'moved');
  });
});
