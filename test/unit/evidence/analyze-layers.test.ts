import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { analyzeLayers } from '../../../src/evidence/index.js';
import { type KerfError, Tensor } from '../../../src/index.js';
import { freshNet, layerOf } from '../../support/fresh-layers.js';

const seed = Number(process.env['KERF_TEST_SEED'] ?? 1);
const widths = [200, 120, 64, 10];

/** Schemes whose law `auto` must name exactly; on these widths no two of them coincide. */
const inferable = [
  'torch-linear',
  'kaiming-uniform',
  'kaiming-normal',
  'kaiming-normal-fan-out',
  'glorot-uniform',
  'glorot-normal',
  'lecun-uniform',
  'lecun-normal',
  'keras-he-normal',
  'keras-he-normal-fan-out',
  'keras-glorot-normal',
  'keras-lecun-normal',
  'normal:0.02',
  'truncated-normal:0.02',
];

describe(`analyzeLayers (seed ${seed})`, () => {
  for (const law of [...inferable, 'torch-rnn', 'uniform:0.3', 'zeros', 'ones']) {
    it(`calls a net fresh from ${law} its initialisation`, async () => {
      const { tensors } = await analyzeLayers(freshNet(law, widths, seed), { init: law, seed });
      const matrices = tensors.filter(({ name }) => name.endsWith('weight'));
      for (const { verdict, name, reason } of matrices) assert.equal(verdict, 'initialisation', `${name}: ${reason}`);
    });
  }

  for (const law of inferable) {
    it(`infers ${law} from the weights`, async () => {
      const { tensors } = await analyzeLayers(freshNet(law, widths, seed), { seed });
      const [first, , second] = tensors;
      assert.deepEqual([first.law, first.lawSource, second.law], [law, 'inferred', law]);
      assert.equal(first.verdict, 'initialisation');
    });
  }

  for (const law of ['normal:0.037', 'uniform:0.013', 'truncated-normal:0.3', 'torch-rnn']) {
    it(`says that no known law fits a net fresh from ${law}, which is not in the list of auto`, async () => {
      const { tensors } = await analyzeLayers(freshNet(law, [200, 150, 100, 30], seed), { seed });
      for (const { verdict, reason } of tensors.filter(({ name }) => name.endsWith('weight'))) {
        assert.equal(verdict, 'no-null', reason);
        assert.match(reason, /no known law/);
      }
    });
  }

  it("gives a bias that torch made, behind weights made anew, torch's law, and no other one", async () => {
    const sizes = [100, 256, 128, 64];
    const made = freshNet('torch-linear', sizes, seed + 1);
    const biasesOf = async (change: (value: number) => number) => {
      const layers = freshNet('kaiming-normal', sizes, seed).map((layer, i) => {
        const { data, dims } = made[i].bias!;
        return { ...layer, bias: new Tensor('float32', data.map(change), dims) };
      });
      return (await analyzeLayers(layers, { seed })).tensors.filter(({ name }) => name.endsWith('bias'));
    };
    for (const { law, verdict } of await biasesOf((value) => value)) {
      assert.deepEqual([law, verdict], ['torch-linear', 'initialisation']);
    }
    for (const { law, verdict } of await biasesOf((value) => 3 * value)) {
      assert.deepEqual([law, verdict], ['zeros', 'moved']);
    }
  });

  it('gives the bias of a layer that keeps a law of its own the law of that layer', async () => {
    const layers = freshNet('kaiming-normal-fan-out', [200, 160, 120, 80, 64], seed);
    layers[3] = freshNet('torch-linear', [80, 64], seed + 1)[0];
    const renamed = { ...layers[3], name: 'head', tensor: 'head.weight', biasTensor: 'head.bias' };
    const { tensors } = await analyzeLayers([...layers.slice(0, 3), renamed], { seed });
    const laws = tensors.map(({ law }) => law);
    assert.deepEqual(laws.slice(-2), ['torch-linear', 'torch-linear']);
    assert.ok(
      laws.slice(0, -2).every((law) => law === 'kaiming-normal-fan-out' || law === 'zeros'),
      laws.join(),
    );
  });

  it('notices a scale that is off by 3.5 %', async () => {
    const { tensors } = await analyzeLayers(freshNet('torch-linear', [400, 400, 10], seed, 1.035), {
      init: 'torch-linear',
    });
    assert.equal(tensors[0].verdict, 'partly');
    assert.ok(Math.abs(tensors[0].scaleRatio - 1.035) < 0.01);
  });

  it('calls a layer of three times the scale moved', async () => {
    const { tensors } = await analyzeLayers(freshNet('torch-linear', widths, seed, 3), { init: 'torch-linear' });
    assert.equal(tensors[0].verdict, 'moved');
  });

  it('tests hidden units over incoming and outgoing weights, and finds the planted one', async () => {
    const layers = freshNet('kaiming-normal', widths, seed);
    for (let i = 0; i < 64; i++) layers[1].weight.data[i * 120 + 7] *= 3;
    const { units, tensors } = await analyzeLayers(layers, { init: 'kaiming-normal' });
    assert.equal(units.length, 2);
    assert.equal(units[0].supported[7], 1);
    assert.ok(tensors[0].units !== null && tensors[0].units.supported <= 4);
    assert.equal(tensors.at(-2)?.units, null);
  });

  it('answers no-null where a normalisation was folded into the rows, given the law and without it', async () => {
    for (const law of ['torch-linear', 'kaiming-normal', 'glorot-uniform', 'keras-glorot-normal']) {
      const layers = freshNet(law, widths, seed);
      for (const { weight } of layers) {
        const [rows, columns] = weight.dims;
        // gamma / sqrt(variance) of a batch normalisation, .4 to 2.5.
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < columns; j++) weight.data[i * columns + j] *= Math.exp(0.9 * Math.sin(7 * i));
        }
      }
      for (const init of [law, 'auto']) {
        const { tensors, units } = await analyzeLayers(layers, { init });
        // Units beside a tensor without a null have none either.
        assert.deepEqual(units, []);
        assert.equal(tensors[0].verdict, 'no-null', `${law}, init ${init}: ${tensors[0].reason}`);
        assert.match(tensors[0].reason, init === law ? /at a scale of its own/ : /scale/);
        // Of a deeper layer rows and columns are scaled; `auto` cannot tell every family behind that.
        if (init === law) assert.equal(tensors[2].verdict, 'no-null', `${law}: ${tensors[2].reason}`);
      }
    }
  });

  it('answers no-null where singular values are equal, whatever law is given', async () => {
    const layers = freshNet('lecun-normal', [40, 24, 10], seed);
    const { data, dims } = layers[0].weight;
    // Gram and Schmidt on the rows.
    for (let i = 0; i < dims[0]; i++) {
      const row = data.subarray(i * dims[1], (i + 1) * dims[1]);
      for (let before = 0; before < i; before++) {
        const other = data.subarray(before * dims[1], (before + 1) * dims[1]);
        const dot = row.reduce((sum, x, j) => sum + x * other[j], 0);
        row.forEach((x, j) => {
          row[j] = x - dot * other[j];
        });
      }
      const length = Math.hypot(...row);
      row.forEach((x, j) => {
        row[j] = x / length;
      });
    }
    for (const init of ['auto', 'lecun-normal']) {
      const { tensors } = await analyzeLayers(layers, { init });
      assert.equal(tensors[0].verdict, 'no-null', tensors[0].reason);
      assert.match(tensors[0].reason, /singular values .* orthogonal/);
      assert.notEqual(tensors[2].verdict, 'no-null');
    }
  });

  it('answers no-null where entries depend on each other', async () => {
    const { tensors } = await analyzeLayers(freshNet('lecun-normal', widths, seed), { init: 'orthogonal' });
    assert.equal(tensors[0].verdict, 'no-null');
    assert.match(tensors[0].reason, /depend on each other/);
  });

  it('names a tensor with NaN weights, and how many', async () => {
    const weight = new Tensor('float32', new Float32Array(12).fill(0.1), [3, 4]);
    weight.data[5] = Number.NaN;
    weight.data[6] = Number.POSITIVE_INFINITY;
    await assert.rejects(analyzeLayers([layerOf('fc', weight, null)]), (error: KerfError) => {
      assert.equal(error.code, 'WEIGHT_NOT_FINITE');
      assert.match(error.message, /fc\.weight.*got 2 .* of 12/);
      return true;
    });
  });

  it('refuses an unknown law and lists the known ones', async () => {
    await assert.rejects(analyzeLayers([], { init: 'xavier' }), (error: KerfError) => {
      return error.code === 'LAW_INVALID' && /glorot-uniform, .*truncated-normal:S/.test(error.message);
    });
    for (const init of ['normal:', 'normal:-1', 'uniform:1:2', 'uniform:x']) {
      await assert.rejects(analyzeLayers([], { init }), (error: KerfError) => error.code === 'LAW_INVALID');
    }
  });

  it('refuses a false discovery rate outside (0, 1), and stops when cancelled', async () => {
    await assert.rejects(analyzeLayers([], { fdr: 1 }), (error: KerfError) => error.code === 'OPTION_INVALID');
    const layers = freshNet('torch-linear', [8, 8], seed);
    await assert.rejects(
      analyzeLayers(layers, { signal: AbortSignal.abort() }),
      (error: KerfError) => error.code === 'ABORTED',
    );
  });

  it('stops while laws are inferred, before any tensor is tested', async () => {
    const control = new AbortController();
    const begun: string[] = [];
    const onProgress = ({ name }: { name: string }) => begun.push(name);
    const layers = freshNet('torch-linear', widths, seed);
    const stopped = analyzeLayers(layers, { signal: control.signal, onProgress });
    // Each of the six tensors takes a turn when it is measured, and more when its law is looked for.
    for (let turn = 0; turn < 8; turn++) await setImmediate();
    control.abort();
    await assert.rejects(stopped, (error: KerfError) => error.code === 'ABORTED');
    assert.deepEqual(begun, []);
  });

  it('gives the same result for the same seed, whatever the order of layers', async () => {
    const layers = freshNet('glorot-uniform', widths, seed).map((layer) => ({
      ...layer,
      quantization: { step: 0.001, minimum: -1 },
    }));
    const forward = await analyzeLayers(layers, { init: 'glorot-uniform', seed });
    const backward = await analyzeLayers([...layers].reverse(), { init: 'glorot-uniform', seed });
    assert.deepEqual(
      forward.tensors.find(({ name }) => name === 'fc2.weight'),
      backward.tensors.find(({ name }) => name === 'fc2.weight'),
    );
  });
});
