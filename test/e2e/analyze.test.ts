import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertRefused, digits, jsonOf, kerf, root, scratchFolder } from './kerf.js';

interface Tensor {
  readonly name: string;
  readonly law: string | null;
  readonly scaleRatio: number;
  readonly fit: { readonly ks: number; readonly pValue: number };
  readonly verdict: string;
  readonly weights: { readonly tested: number; readonly supported: number };
  readonly columns: { readonly tested: number; readonly supported: number };
  readonly rows: { readonly tested: number; readonly supported: number };
  readonly units: { readonly tested: number; readonly supported: number } | null;
  readonly spectrum: { readonly supported: number; readonly rank: number } | null;
}

const tensorsOf = async (...words: string[]) =>
  jsonOf<{ tensors: Tensor[] }>(await kerf(['analyze', ...words, '--json'])).tensors;

describe('kerf analyze', () => {
  it('--json tells law, fit, verdict and every resolution', async () => {
    const [weight] = await tensorsOf(digits, '--init', 'torch-linear');
    assert.equal(weight.name, 'fc1.weight');
    assert.equal(weight.law, 'torch-linear');
    assert.equal(weight.verdict, 'partly');
    assert.equal(weight.weights.tested, 256 * 784);
    assert.ok(weight.weights.supported > 0 && weight.weights.supported < weight.weights.tested);
    assert.equal(weight.columns.tested, 784);
    assert.equal(weight.rows.tested, 256);
    assert.equal(weight.units?.tested, 256);
    assert.equal(weight.spectrum?.rank, 256);
    assert.ok(weight.spectrum.supported > 0 && weight.spectrum.supported < 128);
    assert.ok(weight.scaleRatio > 1 && weight.fit.ks > 0.02 && weight.fit.pValue < 1e-6);
  });

  it('finds a fresh net to be its initialisation, and infers the law', async () => {
    const tensors = await tensorsOf(join(root, 'test/golden/digits/digits-init.onnx'));
    for (const { law, verdict } of tensors.filter(({ name }) => name.endsWith('weight'))) {
      assert.equal(law, 'torch-linear');
      assert.equal(verdict, 'initialisation');
    }
  });

  it('gives the same JSON for the same seed', async () => {
    const words = ['analyze', digits, '--json', '--seed', '7'];
    assert.equal((await kerf(words)).stdout, (await kerf(words)).stdout);
  });

  it('prints a table with one line per tensor', async () => {
    const { stdout } = await kerf(['analyze', digits]);
    assert.match(stdout, /^partly +fc1\.weight +torch-linear .* 9\.\d %/m);
    assert.match(stdout, /^6 tensors: 3 moved, 3 partly$/m);
  });

  it("--procedure paper prints the paper's resolution beside kerf's", async () => {
    const { stdout } = await kerf(['analyze', digits, '--procedure', 'paper', '--control', 'bonferroni']);
    assert.match(stdout, /^independent parts +1, the largest with 100\.0 % of the edges$/m);
    assert.match(stdout, /^fc1\.weight +1 +[\d,]+ +\d+\.\d % +-$/m);
    assert.match(stdout, /^fc2\.weight +\d+\/256 .*partly$/m);
    const { paper, tensors } = jsonOf<{
      paper: { control: string; families: { name: string; matrix: { nodes: number } | null }[] };
      tensors: Tensor[];
    }>(await kerf(['analyze', digits, '--procedure', 'paper', '--json']));
    assert.equal(paper.control, 'alpha');
    assert.deepEqual(
      paper.families.map(({ name, matrix }) => [name, matrix?.nodes]),
      [
        ['fc1.weight', undefined],
        ['fc2.weight', 256],
        ['fc3.weight', undefined],
      ],
    );
    assert.equal(tensors[0].name, 'fc1.weight');
  });

  it('--report writes a page that holds its figures and asks for nothing', async () => {
    const scratch = scratchFolder();
    after(scratch.remove);
    const path = join(scratch.path, 'report.html');
    assert.equal((await kerf(['analyze', digits, '--report', path])).code, 0);
    const page = readFileSync(path, 'utf8');
    assert.match(page, /<svg .*Singular values against the Marchenko-Pastur law/);
    assert.match(page, /24 of 256 supported/);
    assert.doesNotMatch(page, /https?:|<script/);
  });

  it('refuses unknown laws and rates', async () => {
    assertRefused(await kerf(['analyze', digits, '--init', 'bogus']), 2, 'LAW_INVALID');
    assertRefused(await kerf(['analyze', digits, '--fdr', '1.5']), 2, 'USAGE');
    assertRefused(await kerf(['analyze', digits, '--procedure', 'other']), 2, 'USAGE');
    assertRefused(await kerf(['analyze', digits, '--seed', 'x']), 2, 'USAGE');
    assertRefused(await kerf(['analyze', digits, '--fdr', '0.1', '--fdr', '0.2']), 2, 'USAGE');
  });
});

describe('kerf ops', () => {
  it('--json lists operators by opset and dtype', async () => {
    const operators = jsonOf<{ name: string; opsets: number[]; dtypes: string[] }[]>(await kerf(['ops', '--json']));
    for (const name of ['Gemm', 'MatMul', 'Relu', 'Softmax', 'Concat', 'Cast']) {
      const gemm = operators.find((operator) => operator.name === name);
      assert.ok(gemm?.dtypes.includes('float32'), name);
    }
  });
});
