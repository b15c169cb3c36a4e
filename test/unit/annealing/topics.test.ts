/** T13: domains of the inputs found blind, and parts that never talk. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fitter } from '../../../src/annealing/fit.js';
import { momentsOf } from '../../../src/annealing/least-squares.js';
import { findDomains } from '../../../src/annealing/partition.js';
import { linearsOf } from '../../../src/annealing/rewrite.js';
import { type Decomposition, decompose } from '../../../src/decompose.js';
import { createEvaluate } from '../../../src/evaluate-graph.js';
import { createSession } from '../../../src/executors/create-session.js';
import { canonicalise } from '../../../src/graph/canonicalise.js';
import type { Graph } from '../../../src/graph/graph.js';
import { defaultDataLimits } from '../../../src/model/data/limits.js';
import { decodeNpz } from '../../../src/model/data/npz.js';
import { readOnnx } from '../../../src/model/onnx.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { adjustedRandIndex } from '../../support/planted-blocks.js';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../../../../test/golden/topics');
const bytesOf = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
const model = readOnnx(bytesOf('topics.onnx'));
const arrays = decodeNpz(bytesOf('topics.npz'), 'topics', defaultDataLimits);
const original = canonicalise(model.graph);

/** Documents as the net reads them: clipped counts over 3. */
function documents(name: string): Tensor<'float32'> {
  const { data, dims } = arrays.get(name)!;
  return new Tensor(
    'float32',
    Float32Array.from(data as Uint8Array, (count) => count / 3),
    dims,
  );
}

const x = documents('calibration');
const data = { calibration: { x }, guard: { x: documents('guard') }, maxDisagreement: 0.02, cascade: 'off' } as const;

async function accuracy(graph: Graph): Promise<number> {
  const { logits } = await createEvaluate()(graph, { x: documents('test') });
  const labels = arrays.get('labels')!.data;
  const [n, classes] = logits.dims;
  let right = 0;
  for (let row = 0; row < n; row++) {
    const scores = (logits.data as Float32Array).subarray(row * classes, (row + 1) * classes);
    if (scores.indexOf(Math.max(...scores)) === labels[row]) right++;
  }
  return right / n;
}

describe('topics', () => {
  it('T13: the domains of the words are found blind, and the words that never occur belong to none', () => {
    const samples = { rows: x.dims[0], columns: x.dims[1], data: x.data as Float32Array<ArrayBuffer> };
    const { order, blocks } = findDomains(momentsOf(samples), 0)!;
    const truth = arrays.get('domains')!.data as Int32Array;
    const found = new Int32Array(truth.length).fill(8);
    blocks.forEach(([first, end], domain) => {
      for (const word of order.subarray(first, end)) found[word] = domain;
    });
    assert.equal(blocks.length, 8);
    assert.ok(adjustedRandIndex(found, truth) >= 0.95);
  });

  it('the domains are the same whatever the rows weigh in the fits', async () => {
    const graph = canonicalise(model.graph);
    const weights = Float64Array.from({ length: x.dims[0] }, (_, row) => (row % 50 === 0 ? 46 : 0.08));
    const [linear] = linearsOf(graph);
    const alike = new Fitter(graph, graph, { x }, createEvaluate());
    const balanced = new Fitter(graph, graph, { x }, createEvaluate(), { weights, factors: new Map() });
    assert.deepEqual(await balanced.domains(linear, 0), await alike.domains(linear, 0));
  });

  for (const parts of ['auto', 8] as const) {
    describe(`T13: parts ${parts}`, () => {
      let made: Decomposition;

      before(async () => {
        made = await decompose(model, { ...data, parts });
      });

      it('8 parts that never talk, for at most 10.3 % of the work', () => {
        const { summary, parts: found } = made;
        assert.equal(summary.parts.length, 8);
        assert.deepEqual(summary.bus, { r: 0, macs: 0 });
        assert.ok(summary.macs.after <= 0.103 * summary.macs.before, `${summary.macs.after} of ${summary.macs.before}`);
        assert.equal(
          summary.parts.reduce((sum, { macs }) => sum + macs, 0),
          summary.macs.after,
        );
        assert.deepEqual(
          summary.layers.map(({ choice, k, rank }) => [choice, k, rank]),
          [
            ['blocks', 8, null],
            ['blocks', 8, null],
          ],
        );
        // Only what picks the words stands before the parts, and only what joins the scores behind them.
        const busy = found.parts.filter(({ macs }) => macs > 0);
        assert.ok(busy.every(({ after }) => after.every((id) => found.parts[id].macs === 0)));
      });

      it('at a loss of at most .35 points, on documents that neither fit nor guard has seen', async () => {
        const loss = (await accuracy(original)) - (await accuracy(made.parts.graph));
        assert.ok(loss <= 0.0035, `${100 * loss} points`);
        assert.equal(made.summary.certificate.level, 'C');
        assert.ok((made.summary.certificate.bound as number) <= 0.02);
      });

      it('as gemms over pieces of one gather, with the same bits on two threads', async () => {
        const kinds = made.package.plan.steps.map(({ kind }) => kind);
        assert.deepEqual(new Set(kinds), new Set(['gather', 'gemm']));
        assert.equal(kinds.filter((kind) => kind === 'gemm').length, 16);
        const runs: unknown[] = [];
        for (const executor of ['wasm', 'pool'] as const) {
          const session = createSession(made.package.plan, null, { executor, threads: executor === 'pool' ? 2 : 1 });
          runs.push((await session.run({ x: documents('test') })).logits.data);
          await session.release();
        }
        assert.deepEqual(runs[0], runs[1]);
      });
    });
  }

  it('exits 4 where the demanded parts cannot be held', async () => {
    await assert.rejects(decompose(model, { ...data, maxDisagreement: 0.005, parts: 32, bus: 0 }), {
      code: 'GUARD_FAILED',
      exitCode: 4,
    });
  });
});
