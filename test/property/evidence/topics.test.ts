/** T5, T6 and T11 on a network that learns documents of eight domains, a fifth of whose vocabulary never occurs. */
import assert from 'node:assert/strict';
import {
  analysisKernels,
  analyzeWeights,
  chiSquareLogP,
  type Evidence,
  leadingEigenvectors,
  measureSpectrum,
  parseLaw,
  reject,
} from '../../../src/evidence/index.js';
import { score } from '../../../src/evidence/scores.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { accuracyOf, type TopicsNet, trainTopics } from '../../support/topics.js';

const seed = Number(process.env['KERF_TEST_SEED'] ?? 1);
const recipe = {
  seed,
  domains: 8,
  classes: 4,
  perDomain: 50,
  unseen: 100,
  units: 128,
  documents: 2000,
  epochs: 3,
  rate: 0.05,
};
const classes = recipe.domains * recipe.classes;
const seen = recipe.domains * recipe.perDomain;
const columns = seen + recipe.unseen;
const law = parseLaw('torch-linear').weight({ fanIn: columns, fanOut: recipe.units });

/** The first layer against its own initial values. */
function againstCheckpoint({ initial, trained }: TopicsNet): Promise<Evidence> {
  const dims = [recipe.units, columns];
  const file = [{ name: 'fc1.weight', dims, read: () => trained[0] }];
  return analyzeWeights(file, { init: new Map([['fc1.weight', new Tensor('float32', initial[0], dims)]]) });
}

/** Whether the law alone rejects each column, Benjamini-Hochberg at .05. */
function movedColumns([first]: TopicsNet['trained']): Uint8Array {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const weights = workspace.copyIn('float32', first);
    const sums = workspace.allocate('float64', columns);
    score(weights, law, null, weights);
    kernels.f32_column_squares(recipe.units, columns, weights.ptr, 0, sums.ptr);
    return reject(chiSquareLogP(workspace.copyOut(sums), recipe.units), 0.05).flags;
  });
}

const directions = (weights: Float32Array<ArrayBuffer>) => {
  const { workspace } = analysisKernels();
  return workspace.scope(() => {
    return measureSpectrum(workspace.copyIn('float32', weights), recipe.units, columns, law.std).supported;
  });
};

/** W without its k leading directions: W - U U^T W. */
function bulkOf(weights: Float32Array<ArrayBuffer>, k: number): Float32Array<ArrayBuffer> {
  const n = recipe.units;
  const at = (i: number, j: number) => weights[i * columns + j];
  const gram = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let l = 0; l < n; l++) for (let j = 0; j < columns; j++) gram[i * n + l] += at(i, j) * at(l, j);
  }
  const { workspace } = analysisKernels();
  const { vectors } = workspace.scope(() => leadingEigenvectors(workspace.copyIn('float64', gram), n, k));
  const rest = Float64Array.from(weights);
  for (let v = 0; v < k; v++) {
    for (let j = 0; j < columns; j++) {
      let dot = 0;
      for (let i = 0; i < n; i++) dot += vectors[v * n + i] * at(i, j);
      for (let i = 0; i < n; i++) rest[i * columns + j] -= vectors[v * n + i] * dot;
    }
  }
  return Float32Array.from(rest);
}

describe(`networks trained on topics (seed ${seed})`, () => {
  let net: TopicsNet;
  before(() => {
    net = trainTopics({ ...recipe, decay: 0 });
    assert.ok(net.accuracy > 0.9, `accuracy ${net.accuracy}`);
  });

  it('T5: the checkpoint tells exactly the columns of words that never occurred', async () => {
    const [tensor] = (await againstCheckpoint(net)).tensors;
    assert.deepEqual([tensor.columns.tested, tensor.columns.supported], [columns, seen]);
    assert.match(tensor.reason, new RegExp(`${recipe.unseen} of ${columns} columns were never updated`));
  });

  it('T5: the law alone tells nearly all of them, and takes few that moved for them', () => {
    const moved = movedColumns(net.trained);
    const missed = moved.subarray(seen).reduce((sum, flag) => sum + flag, 0);
    const taken = seen - moved.subarray(0, seen).reduce((sum, flag) => sum + flag, 0);
    // Of some 400 rejections 5 % of the share of true nulls, a fifth, may be false: 4, and 4.5 deviations beside.
    assert.ok(missed <= 4 + 4.5 * 2, `${missed} of ${recipe.unseen} unseen words called moved`);
    assert.ok(taken <= 0.05 * seen, `${taken} of ${seen} seen words called untouched`);
  });

  it('T6: behind decay the same columns follow the decay law', async () => {
    const twin = trainTopics({ ...recipe, decay: 0.5 });
    const [tensor] = (await againstCheckpoint(twin)).tensors;
    assert.match(tensor.reason, /after decay to 0\.\d+/);
    assert.equal(tensor.columns.supported, seen);
    const untouched = 1 - tensor.weights.supported / tensor.weights.tested;
    // The unseen fifth, and weights of units that were dead whenever their word occurred.
    assert.ok(untouched >= 0.2 && untouched <= 0.22, `${untouched} of the weights`);
  });

  it('T11: one direction a class of the joint head, none at initialisation, and the rest is at chance', () => {
    assert.equal(directions(net.initial[0]), 0);
    assert.equal(directions(net.trained[0]), classes);
    const bulk = accuracyOf(net, [bulkOf(net.trained[0], classes), net.trained[1]]);
    assert.ok(bulk < 3 / classes, `the bulk alone is right on ${bulk}`);
  });
});
