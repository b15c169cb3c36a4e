/** The support: what calibration rows light, networks without the rest, and the original for rows outside. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CascadeChooser } from '../../../src/annealing/cascade.js';
import { takeRows } from '../../../src/annealing/rows.js';
import { spansOf, supportOf, trimUnlit } from '../../../src/annealing/support.js';
import { createEvaluate } from '../../../src/evaluate-graph.js';
import { createPackageSession } from '../../../src/executors/create-session.js';
import { canonicalise } from '../../../src/graph/canonicalise.js';
import { countMacs } from '../../../src/graph/cost.js';
import type { Graph, Model } from '../../../src/graph/graph.js';
import { defaultDataLimits } from '../../../src/model/data/limits.js';
import { decodeNpz } from '../../../src/model/data/npz.js';
import { readOnnx } from '../../../src/model/onnx.js';
import { encodePackage } from '../../../src/package/kerf-writer.js';
import { type Decomposition, decompose, verify } from '../../../src/pipeline.js';
import { decodePackage } from '../../../src/runtime/format/decode-package.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createRandom } from '../../oracle/random.js';
import { makeGraph, matrix, mlp, node, randomLayer, vector } from '../../support/networks.js';

const evaluate = createEvaluate();
const folder = join(dirname(fileURLToPath(import.meta.url)), '../../../../test/golden/topics');
const goldenBytes = (name: string) => new Uint8Array(readFileSync(join(folder, name)));

/** Rows of `width` normal numbers, of which those at `unlit` are zero. */
function sparseRows(seed: number, n: number, width: number, unlit: (j: number, row: number) => boolean) {
  const random = createRandom(seed);
  const data = Float32Array.from({ length: n * width }, (_, at) =>
    unlit(at % width, Math.floor(at / width)) ? (at % 2 === 0 ? 0 : -0) : random.normal(),
  );
  return new Tensor('float32', data, [n, width]);
}

const bitsOf = (tensor: Tensor) => new Int32Array((tensor.data as Float32Array).slice().buffer);

describe('supportOf', () => {
  const graph = mlp([randomLayer(createRandom(1), 5, 12, () => true)]);

  it('finds the columns that no row lights, and the share of rows that alone light one', () => {
    // Columns 2, 3 and 11 are never lit; column 5 by row 7 alone, column 6 by rows 7 and 8.
    const isUnlit = (j: number, row: number) =>
      [2, 3, 11].includes(j) || (j === 5 && row !== 7) || (j === 6 && row !== 7 && row !== 8);
    const seen = supportOf(graph, { x: sparseRows(2, 40, 12, isUnlit) })!;
    assert.deepEqual(seen.support, [{ input: 'x', spans: [2, 4, 11, 12] }]);
    assert.deepEqual([seen.columns, seen.unlit, seen.missing], [12, 3, 1 / 40]);
    assert.equal(supportOf(graph, { x: sparseRows(3, 9, 12, () => false) }), null);
    assert.deepEqual(spansOf(Int32Array.of(0, 1, 2, 5, 7, 8)), [0, 3, 5, 6, 7, 9]);
  });

  it('counts rows that would be outside the support of all others, as leaving each out does', () => {
    const random = createRandom(4);
    const isUnlit = (j: number) => j >= 4 && random.uniform() >= 0.01;
    const x = sparseRows(5, 100, 12, isUnlit);
    const isOutside = (row: number) =>
      x.data.subarray(12 * row, 12 * row + 12).some((value, j) => {
        const others = Array.from({ length: 100 }, (_, other) => other !== row && x.data[12 * other + j] !== 0);
        return value !== 0 && !others.includes(true);
      });
    x.data.forEach((_, at) => {
      if (at % 12 === 11) x.data[at] = 0;
    });
    const outside = Array.from({ length: 100 }, (_, row) => isOutside(row)).filter(Boolean).length;
    assert.ok(outside > 0);
    assert.equal(supportOf(graph, { x })!.missing, outside / 100);
  });
});

describe('trimUnlit', () => {
  const isUnlit = (j: number) => j % 3 === 0;
  const x = sparseRows(6, 33, 24, isUnlit);

  /** The graph and what the unlit columns leave of it, on the same rows. */
  async function compare(graph: Graph, rows: Tensor): Promise<Graph> {
    const trimmed = trimUnlit(graph, supportOf(graph, { x: rows })!.support);
    const [before, after] = [await evaluate(graph, { x: rows }), await evaluate(trimmed, { x: rows })];
    assert.deepEqual(bitsOf(after['y']), bitsOf(before['y']));
    return trimmed;
  }

  it('gives the same bits on the support, with less work', async () => {
    const graph = mlp([
      randomLayer(createRandom(7), 9, 24, () => true),
      randomLayer(createRandom(8), 4, 9, () => true),
    ]);
    assert.equal(countMacs(await compare(graph, x)), 9 * 16 + 4 * 9);
  });

  it('sees through a change of shape, and leaves a layer alone whose sums start at -0', async () => {
    const { weight, bias } = randomLayer(createRandom(9), 5, 24, () => true);
    const flat = (its: readonly number[]) => ({
      ...makeGraph(
        { x: 24 },
        [node('flat', 'Flatten', ['x'], 'f'), node('fc', 'Linear', ['f', 'w', 'b'], 'y', 'kerf')],
        { w: matrix(weight), b: vector(its) },
      ),
      inputs: [{ name: 'x', dtype: 'float32' as const, shape: [[[1, 'batch']], 2, 3, 4] as never }],
    });
    const image = new Tensor('float32', x.data, [33, 2, 3, 4]);
    assert.equal(countMacs(await compare(flat(bias), image)), 5 * 16);
    const graph = flat([...bias.slice(0, 4), -0]);
    assert.equal(trimUnlit(graph, supportOf(graph, { x: image })!.support), graph);
  });
});

describe('cascades by support', () => {
  const rule = { outputs: ['y'], decision: 'argmax', at: 0 } as const;
  const margins = Float32Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? (i + 2) / 200 : 0));
  const outputs = { y: new Tensor('float32', margins, [100, 2]) };
  const differs = Uint8Array.from({ length: 100 }, (_, i) => (i < 4 ? 1 : 0));
  const fitted = {
    name: 'rank',
    macs: 100,
    price: 100,
    value: mlp([randomLayer(createRandom(1), 2, 3, () => true)]),
    rate: 0,
  };
  const offersAt = (missing: number) => {
    const seen = { support: [{ input: 'x', spans: [1, 2] }], columns: 3, unlit: 1, missing };
    return new CascadeChooser(
      rule,
      { macs: 1000, price: 1000, priceOfShare: (share) => 1000 * share },
      0.05,
      false,
      seen,
    ).offers(fitted, outputs, differs);
  };

  it('count what new rows outside will cost, and check nothing where calibration hardly knows the support', () => {
    const [known, unknown] = [offersAt(0.01)[0], offersAt(0.03)[0]];
    assert.deepEqual(known.fallback!.support, [{ input: 'x', spans: [1, 2] }]);
    assert.equal(unknown.fallback!.support, undefined);
    assert.equal(Math.round(known.macs - unknown.macs), 10);
  });
});

describe('T5: words that never occur', () => {
  const model: Model = readOnnx(goldenBytes('topics.onnx'));
  const arrays = decodeNpz(goldenBytes('topics.npz'), 'topics', defaultDataLimits);
  const documents = (name: string): Tensor<'float32'> => {
    const { data, dims } = arrays.get(name)!;
    return new Tensor(
      'float32',
      Float32Array.from(data as Uint8Array, (count) => count / 3),
      dims,
    );
  };
  const test = documents('test');
  const columns = test.dims[1];
  const unseen = Array.from(arrays.get('domains')!.data as Int32Array, (domain, word) => (domain === 8 ? word : -1));
  /** Every fifth document with one of the words that never occur. */
  const odd = new Tensor('float32', test.data.slice(), test.dims);
  const words = unseen.filter((word) => word >= 0);
  for (let row = 0; row < test.dims[0]; row += 5) odd.data[row * columns + words[row % words.length]] = 1 / 3;
  let made: Decomposition;

  before(async () => {
    const data = { calibration: { x: documents('calibration') }, guard: { x: documents('guard') } };
    made = await decompose(model, { ...data, exact: true });
  });

  it('their columns go, at level A on the support', async () => {
    const { certificate, macs, layers } = made.summary;
    assert.equal(certificate.level, 'A');
    assert.equal(certificate.seen, 0);
    assert.ok(certificate.support!.unlit >= words.length);
    assert.equal(certificate.support!.outside / certificate.rows, certificate.fallbackRate);
    assert.match(certificate.statement, /light one of the \d+ of 300 input columns .* bit for bit\.$/);
    assert.ok(macs.after < 0.85 * macs.before, `${macs.after} of ${macs.before}`);
    assert.deepEqual(
      layers.map(({ choice }) => choice),
      ['trim', 'dense'],
    );
  });

  it('outputs are equal, and the support trips on every document with one, on any number of threads', async () => {
    const want = (await evaluate(canonicalise(model.graph), { x: odd }))['logits'];
    const bytes = encodePackage(made.package);
    for (const options of [{ executor: 'wasm' }, { executor: 'pool', threads: 1 }, { threads: 2 }] as const) {
      const session = createPackageSession(decodePackage(bytes), { ...options, maxFallbackRate: 1 });
      const got = (await session.run({ x: odd }))['logits'];
      assert.deepEqual(bitsOf(got), bitsOf(want));
      const { fallback, fallbackRate } = session.stats();
      const least = Math.ceil(test.dims[0] / 5) / test.dims[0];
      assert.ok(fallback!.support >= least && fallback!.support < least + 0.02, String(fallback!.support));
      assert.deepEqual([fallbackRate, fallback!.margin], [fallback!.support, 0]);
      assert.ok((await verify(session, model, takeRows({ x: odd }, [0, 1, 2, 3, 4, 5]))).passed);
      await session.release();
    }
  });

  it('without the original to fall back on, nothing goes', async () => {
    const data = { calibration: { x: documents('calibration') }, exact: true };
    const { summary } = await decompose(model, { ...data, cascade: 'off' });
    assert.equal(summary.certificate.level, 'A');
    assert.equal(summary.macs.after, summary.macs.before);
  });
});
