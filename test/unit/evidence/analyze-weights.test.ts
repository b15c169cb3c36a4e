import assert from 'node:assert/strict';
import { analyze, analyzeWeights, type Checkpoint, type NamedWeights } from '../../../src/evidence/index.js';
import { Tensor } from '../../../src/index.js';
import { loadModel } from '../../../src/model/index.js';
import { Random } from '../../support/random.js';
import { f32, safetensors } from '../../support/safetensors.js';

const random = new Random(3);
const uniform = (n: number, edge: number) => Float32Array.from({ length: n }, () => (2 * random.next() - 1) * edge);

/** A fresh layer of torch, one whose weights are three times too large, a convolution and a normalisation. */
const arrays = new Map([
  ['a.weight', { values: uniform(64 * 100, 0.1), dims: [64, 100] }],
  ['a.bias', { values: uniform(64, 0.1), dims: [64] }],
  ['b.weight', { values: uniform(32 * 64, 3 / 8), dims: [32, 64] }],
  ['c.weight', { values: uniform(16 * 4 * 9, 1 / 6), dims: [16, 4, 3, 3] }],
  ['norm.weight', { values: new Float32Array(64).fill(1), dims: [64] }],
]);
const bytes = safetensors(Object.fromEntries([...arrays].map(([name, { values, dims }]) => [name, f32(values, dims)])));

describe('analyze, on weights without a network', () => {
  it('takes each tensor by itself: matrices, convolutions, biases of their matrix, other vectors without a null', async () => {
    const { tensors, units } = await analyze((await loadModel(bytes)).graph, { init: 'torch-linear' });
    assert.deepEqual(
      tensors.map(({ name, layer, verdict }) => [name, layer, verdict]),
      [
        ['a.weight', 'a', 'initialisation'],
        ['a.bias', 'a', 'initialisation'],
        ['b.weight', 'b', 'moved'],
        ['c.weight', 'c', 'initialisation'],
        ['norm.weight', null, 'no-null'],
      ],
    );
    assert.deepEqual(units, []);
    assert.ok(Math.abs(tensors[2].scaleRatio - 3) < 0.1);
    assert.equal(tensors[3].spectrum?.rank, 16);
  });

  it('infers the law', async () => {
    const { tensors } = await analyze((await loadModel(bytes)).graph);
    assert.deepEqual(
      tensors.map(({ law }) => law),
      ['torch-linear', 'torch-linear', 'torch-linear', 'torch-linear', null],
    );
  });

  it('gives the same evidence when every read returns the same array', async () => {
    const shared = new Float32Array(6400);
    const weights = [...arrays].map(
      ([name, { values, dims }]): NamedWeights => ({
        name,
        dims,
        read: () => {
          shared.set(values);
          return shared.subarray(0, values.length);
        },
      }),
    );
    assert.deepEqual(await analyzeWeights(weights), await analyze((await loadModel(bytes)).graph));
  });

  it('tests against a checkpoint of the same names', async () => {
    const { graph } = await loadModel(bytes);
    const initial = new Map(graph.initializers);
    const { data, dims } = initial.get('b.weight')!;
    initial.set('b.weight', new Tensor('float32', (data as Float32Array).map((w) => w + 1) as never, dims));
    const { tensors } = await analyze(graph, { init: initial as Checkpoint });
    assert.deepEqual(
      tensors.map(({ name, verdict }) => [name, verdict]),
      [...arrays.keys()].map((name) => [name, name === 'b.weight' ? 'moved' : 'initialisation']),
    );
  });

  it('gives the same bits on three threads, under laws and against a checkpoint', async () => {
    const { graph } = await loadModel(bytes);
    for (const init of ['auto', 'torch-linear', graph.initializers as Checkpoint]) {
      const done: number[] = [];
      const onProgress = (progress: { readonly done: number }) => done.push(progress.done);
      assert.deepEqual(await analyze(graph, { init, threads: 3, onProgress }), await analyze(graph, { init }));
      assert.deepEqual(done, [0, 1, 2, 3, 4, 5]);
    }
  });

  it('ends in the middle of a large tensor when the signal fires, and leaves this thread free meanwhile', async () => {
    const values = new Random(1).floats(1024 * 1024);
    const large = { name: 'w', dims: [1024, 1024], read: () => values };
    const controller = new AbortController();
    const seen: number[] = [];
    const onProgress = ({ done }: { readonly done: number }) => {
      seen.push(done);
      setImmediate(() => controller.abort());
    };
    const { signal } = controller;
    await assert.rejects(analyzeWeights([large], { init: 'uniform:1', onProgress, signal }), { code: 'ABORTED' });
    assert.deepEqual(seen, [0]);
  });

  it('passes coded errors on from other threads, and refuses no threads', async () => {
    const { graph } = await loadModel(bytes);
    const initial = new Map(graph.initializers);
    initial.set('b.weight', new Tensor('float32', new Float32Array(6), [2, 3]));
    const alone = analyze(graph, { init: initial }).catch((error) => error);
    await assert.rejects(analyze(graph, { init: initial, threads: 2 }), {
      code: 'SHAPE_MISMATCH',
      message: (await alone).message,
    });
    await assert.rejects(analyze(graph, { threads: 0 }), { code: 'OPTION_INVALID' });
  });
});
