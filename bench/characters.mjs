/**
 * What decomposition loses on language models of characters, without retraining, at given shares of the work: a part of
 * `npm run bench -- decomposition`. The nets are those of examples/paper/train.py (char-lm, char-lm-adamw; trained only when
 * it is told their names), the fits see 1,024 windows of the text they were trained on, losses are on windows of its last
 * twentieth, which they were not.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Fitter } from '../build/src/annealing/fit.js';
import { fisherFactors } from '../build/src/annealing/gradients/index.js';
import { offersOf } from '../build/src/annealing/offers.js';
import { workPrices } from '../build/src/annealing/prices.js';
import { settingAt } from '../build/src/annealing/settings.js';
import { createEvaluate } from '../build/src/evaluate-graph.js';
import { canonicalise, countMacs } from '../build/src/graph/index.js';
import { loadModel, readArrays } from '../build/src/model/index.js';
import { Tensor } from '../build/src/runtime/tensor.js';
import { root } from './decompose.mjs';
import { printTable } from './table.mjs';

const kinds = ['char-lm', 'char-lm-adamw'];
const seeds = [0, 1, 2, 3, 4];
const shares = [0.5, 0.4, 0.3];
const testWindows = 1000;
const decision = { kind: 'argmax' };
const evaluate = createEvaluate();
const folder = join(root, 'examples', 'paper', 'nets');

/** Windows [n, T + 1], at most `most` of them evenly spread, as inputs [n, T] and the characters that follow each. */
function windowsOf({ data, dims: [all, length] }, most) {
  const [n, T] = [Math.min(all, most), length - 1];
  const [x, next] = [new BigInt64Array(n * T), new Int32Array(n * T)];
  for (let e = 0; e < n * T; e++) {
    const at = Math.floor((Math.floor(e / T) * all) / n) * length + (e % T);
    [x[e], next[e]] = [BigInt(data[at]), Number(data[at + 1])];
  }
  return { x: new Tensor('int64', x, [n, T]), next };
}

/** Logarithms of the probabilities of a row of scores. */
function logsOf(row) {
  const top = Math.max(...row);
  const sum = row.reduce((total, score) => total + Math.exp(score - top), 0);
  return row.map((score) => score - top - Math.log(sum));
}

/** Of each position the logarithms of the probabilities and the likeliest character; mean nats a character. */
async function judge(graph, { x, next }) {
  const { logits } = await evaluate(graph, { x });
  const columns = logits.dims[2];
  const logs = [...next.keys()].map((at) => logsOf(logits.data.subarray(at * columns, (at + 1) * columns)));
  const nats = logs.reduce((sum, row, at) => sum - row[next[at]], 0) / logs.length;
  return { nats, logs, best: logs.map((row) => row.indexOf(Math.max(...row))) };
}

/** Mean KL(p || q) of the original's probabilities p. */
function divergence({ logs: before }, { logs: after }) {
  const of = (p, q) => p.reduce((sum, log, c) => sum + Math.exp(log) * (log - q[c]), 0);
  return before.reduce((sum, p, at) => sum + of(p, after[at]), 0) / before.length;
}

async function rowsOf(name) {
  const graph = canonicalise((await loadModel(join(folder, `${name}.onnx`))).graph);
  const arrays = await readArrays(join(folder, `${name}-data.npz`));
  const rows = { x: windowsOf(arrays.get('calibration'), Number.POSITIVE_INFINITY).x };
  const test = windowsOf(arrays.get('test'), testWindows);
  const dense = await judge(graph, test);
  const start = performance.now();
  const factorsOf = async (its) => (await fisherFactors(its, rows, decision, evaluate)).factors;
  const importance = { weights: null, factors: await factorsOf(graph), factorsOf };
  const fitter = new Fitter(graph, graph, rows, evaluate, importance);
  const offers = await offersOf(fitter);
  const prepared = performance.now();
  const [whole, results] = [countMacs(graph), []];
  for (const share of shares) {
    const begun = performance.now();
    const fitted = await fitter.fit(settingAt(offers, whole, share, new Map(), workPrices(countMacs)));
    const fitMs = performance.now() - begun;
    const judged = await judge(fitted, test);
    const same = judged.best.reduce((sum, character, at) => sum + (character === dense.best[at]), 0);
    results.push({
      net: name,
      dense: dense.nats,
      work: countMacs(fitted) / whole,
      lost: judged.nats - dense.nats,
      kl: divergence(dense, judged),
      agreement: same / judged.best.length,
      fitMs,
    });
  }
  return results.map((row) => ({ ...row, preparedMs: prepared - start }));
}

const percent = (share) => `${(100 * share).toFixed(2)} %`;
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

/** @returns rows of the result file, one for each net that is there and each share */
export async function benchCharacters() {
  const names = kinds.flatMap((kind) => seeds.map((seed) => `${kind}-${seed}`));
  const present = names.filter((name) => existsSync(join(folder, `${name}.onnx`)));
  if (present.length === 0) {
    console.log('\nno language model of characters is trained: train.py FOLDER FOLDER char-lm char-lm-adamw --seeds 1');
    return [];
  }
  const results = [];
  for (const name of present) results.push(...(await rowsOf(name)));
  printTable(
    `Language models of characters, ${testWindows} held-out windows: nats a character, and the same likeliest character`,
    ['net', 'dense', 'work', 'lost', 'KL', 'agreement', 'gradients and offers', 'fit'],
    results.map((row) => [
      row.net,
      row.dense.toFixed(4),
      percent(row.work),
      `${row.lost >= 0 ? '+' : ''}${row.lost.toFixed(4)}`,
      row.kl.toFixed(4),
      percent(row.agreement),
      seconds(row.preparedMs),
      seconds(row.fitMs),
    ]),
  );
  return results;
}
