/** Right answers before and after: McNemar's test, its interval, and what the certificate says. */
import assert from 'node:assert/strict';
import { changeInterval, mcNemar, measureAccuracy } from '../../../src/annealing/accuracy.js';
import { meanDivergence } from '../../../src/annealing/divergence.js';
import { createEvaluate } from '../../../src/evaluate-graph.js';
import { createSession } from '../../../src/executors/create-session.js';
import type { Model } from '../../../src/graph/graph.js';
import { decompose, verify } from '../../../src/pipeline.js';
import { formatCertificate } from '../../../src/report/annealing.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createRandom } from '../../oracle/random.js';
import { withCode } from '../../support/codes.js';
import { mlp, normalRows, randomLayer } from '../../support/networks.js';

const scores = (classes: readonly number[]) =>
  new Tensor('float32', Float32Array.from(classes.flatMap((c) => [0, 1, 2].map((j) => (j === c ? 1 : 0)))), [
    classes.length,
    3,
  ]);

describe('accuracy', () => {
  it('McNemar is the exact binomial test on the discordant pairs', () => {
    const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n, k - 1) * (n - k + 1)) / k);
    for (const [lost, gained] of [
      [2, 8],
      [8, 2],
      [5, 5],
      [0, 6],
      [1, 0],
      [13, 21],
    ]) {
      const n = lost + gained;
      const tail = Array.from({ length: Math.min(lost, gained) + 1 }, (_, k) => choose(n, k) / 2 ** n);
      const want = Math.min(1, 2 * tail.reduce((sum, p) => sum + p, 0));
      assert.ok(Math.abs(mcNemar(lost, gained) - want) < 1e-12, `${lost} ${gained}`);
    }
    assert.equal(mcNemar(0, 0), 1);
  });

  it('the interval holds the true change at least as often as it says', () => {
    const random = createRandom(1);
    const [loses, gains, n, trials] = [0.02, 0.01, 300, 2000];
    let misses = 0;
    for (let trial = 0; trial < trials; trial++) {
      let [lost, gained] = [0, 0];
      for (let i = 0; i < n; i++) {
        const u = random.uniform();
        if (u < loses) lost++;
        else if (u < loses + gains) gained++;
      }
      const [low, high] = changeInterval(lost, gained, n, 0.9);
      if (gains - loses < low || gains - loses > high) misses++;
    }
    assert.ok(misses <= 0.1 * trials, `${misses} of ${trials}`);
    const [low, high] = changeInterval(0, 0, 100, 0.95);
    assert.ok(low < 0 && high > 0, 'nothing seen proves no zero');
  });

  it('counts what is lost and gained, and refuses labels that do not fit', () => {
    const [before, after] = [{ y: scores([0, 1, 2, 2, 1, 0]) }, { y: scores([0, 2, 2, 1, 1, 1]) }];
    const measured = measureAccuracy([0, 1, 2, 1, 0, 1], before, after, { kind: 'argmax' }, 0.95, 6);
    const { n, lost, gained, change, pValue } = measured;
    assert.deepEqual([n, measured.before, lost, gained, change, pValue], [6, 0.5, 1, 2, 1 / 6, 1]);
    assert.ok(Math.abs(measured.after - 4 / 6) < 1e-15);
    const clustered = measureAccuracy([0, 1, 2, 1, 0, 1], before, after, { kind: 'argmax' }, 0.95, 3);
    assert.deepEqual([clustered.interval, clustered.pValue, clustered.lost], [null, null, 1]);
    const refused = (labels: number[], decision: { kind: 'argmax' } | { kind: 'error'; limit: number }) =>
      measureAccuracy(labels, before, after, decision, 0.95, 6);
    assert.throws(() => refused([1], { kind: 'argmax' }), withCode('DATA_INVALID', 'got 1, expected 6'));
    assert.throws(
      () => refused([1, 2, 3, 2, 1, 2], { kind: 'argmax' }),
      withCode('DATA_INVALID', 'label 2', 'got 3, expected 0 to 2'),
    );
    assert.throws(() => refused([1], { kind: 'error', limit: 0.1 }), withCode('OPTION_INVALID', '--labels'));
  });
});

describe('certificate content', () => {
  const random = createRandom(2);
  // Of rank 4 and noise, so that a cheaper layer is close.
  const sides = [40, 32].map((n) => Array.from({ length: n }, () => Array.from({ length: 4 }, () => random.normal())));
  const weight = sides[0].map((a) =>
    sides[1].map((b) => (a.reduce((sum, v, k) => sum + v * b[k], 0) + random.normal() / 8) / 16),
  );
  const graph = mlp([{ weight, bias: weight.map(() => 0.1) }, randomLayer(random, 4, 40, () => true)]);
  const model: Model = { format: 'onnx', graph, unsupported: [], sha256: '0'.repeat(64) };
  const rows = normalRows(3, 1200, 32);
  const options = { calibration: { x: rows }, maxDisagreement: 0.05, cascade: 'off' } as const;

  it('has divergence and accuracy beside the fields of the contract, the labels following the split', async () => {
    const { y } = await createEvaluate()(graph, { x: rows });
    const truth = Array.from({ length: 1200 }, (_, row) => {
      const own = (y.data as Float32Array).subarray(4 * row, 4 * row + 4);
      return own.indexOf(Math.max(...own));
    });
    const { certificate } = (await decompose(model, { ...options, labels: truth })).summary;
    const { kl, accuracy, seen, n } = certificate;
    assert.ok(kl !== null && kl > 0 && kl < 0.1, String(kl));
    // The original is its own truth, so every answer that differs is lost.
    assert.deepEqual([accuracy!.n, accuracy!.before, accuracy!.lost, accuracy!.gained], [n, 1, seen, 0]);
    assert.match(formatCertificate(certificate), /right answers +100.00 % before, .* McNemar p = .*lost, 0 gained/);
    const without = (await decompose(model, options)).summary.certificate;
    assert.deepEqual({ ...without, accuracy }, certificate, 'labels change nothing else');
    await assert.rejects(decompose(model, { ...options, labels: truth.slice(1) }), { code: 'DATA_INVALID' });
  });

  it('has no divergence where no argmax decides, and takes a softmax for probabilities', () => {
    const a = { y: new Tensor('float32', Float32Array.of(0.5, 0.5), [1, 2]) };
    const b = { y: new Tensor('float32', Float32Array.of(0.25, 0.75), [1, 2]) };
    assert.equal(meanDivergence(graph, a, b, { kind: 'threshold', at: 0 }), null);
    const softmax = { ...graph, nodes: [{ ...graph.nodes[0], op: 'Softmax', outputs: ['y'] }] };
    const want = 0.5 * Math.log(2) + 0.5 * Math.log(0.5 / 0.75);
    assert.ok(Math.abs(meanDivergence(softmax, a, b, { kind: 'argmax' })! - want) < 1e-12);
  });

  it('of clusters is verified by clusters, and refused without', async () => {
    const groups = Array.from({ length: 1200 }, (_, row) => row >> 1);
    const made = await decompose(model, { ...options, groups });
    const { certificate, plan } = made.package;
    assert.ok(certificate!.n < certificate!.rows);
    const session = createSession(plan, certificate, { executor: 'wasm' });
    const data = { x: normalRows(4, 400, 32) };
    await assert.rejects(verify(session, model, data), withCode('DATA_INVALID', 'counts clusters'));
    await assert.rejects(verify(session, model, data, { groups: [1] }), withCode('DATA_INVALID', 'expected 400'));
    const alone = await verify(session, model, data, { groups: Array.from({ length: 400 }, (_, row) => row) });
    const paired = await verify(session, model, data, { groups: groups.slice(0, 400) });
    assert.deepEqual([alone.n, alone.rows, paired.n, paired.rows], [400, 400, 200, 400]);
    assert.ok(paired.seen <= alone.seen && paired.seen >= alone.seen / 2);
    const bySample = createSession(plan, { ...certificate!, n: certificate!.rows }, { executor: 'wasm' });
    const clustered = verify(bySample, model, data, { groups: groups.slice(0, 400) });
    await assert.rejects(clustered, withCode('DATA_INVALID', 'counts samples'));
    await bySample.release();
    await session.release();
  });
});
