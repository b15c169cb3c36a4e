/**
 * What decomposition gives beside what others do with the same budget: global magnitude, Wanda, OBD and plain low rank at
 * the same share of the work, each repaired by the same least squares on the same 4,096 images without labels. Guard and
 * accuracy are on disjoint images.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rowWeights } from '../build/src/annealing/balance.js';
import { upperBound } from '../build/src/annealing/bounds.js';
import { compareOutputs } from '../build/src/annealing/comparison.js';
import { asSamples } from '../build/src/annealing/context.js';
import { allAlike, Fitter } from '../build/src/annealing/fit.js';
import { fisherFactors } from '../build/src/annealing/gradients/index.js';
import { momentsOf, refitSparse } from '../build/src/annealing/least-squares.js';
import { widen } from '../build/src/annealing/matrix.js';
import { offersOf } from '../build/src/annealing/offers.js';
import { workPrices } from '../build/src/annealing/prices.js';
import { linearsOf, withAffine } from '../build/src/annealing/rewrite.js';
import { settingAt } from '../build/src/annealing/settings.js';
import { findDigits, readDigits } from '../build/src/demo/index.js';
import { createEvaluate } from '../build/src/evaluate-graph.js';
import { createPackageSession, createSession } from '../build/src/executors/create-session.js';
import { canonicalise, countMacs } from '../build/src/graph/index.js';
import { readOnnx } from '../build/src/model/index.js';
import { decompose } from '../build/src/pipeline.js';
import { buildPlan } from '../build/src/plan/index.js';
import { Tensor } from '../build/src/runtime/tensor.js';
import { root } from './decompose.mjs';
import { median } from './statistics.mjs';
import { printTable } from './table.mjs';

const decision = { kind: 'argmax' };
const evaluate = createEvaluate();
/** The methods are compared at the same share of multiply-adds. */
const byWork = workPrices(countMacs);
const confidence = 0.95;

/** Nets and the shares of the work at which methods are compared: what the goals ask for. */
const trained = [
  { kind: 'digits', share: 0.08 },
  { kind: 'digits-adam', share: 0.12 },
];
const seeds = [0, 1, 2, 3, 4];
const committed = join(root, 'test', 'golden', 'digits', 'digits.onnx');

/** The nets that are there, each with its share. */
function netsOf(isQuick) {
  const all = trained.flatMap(({ kind, share }) =>
    seeds.map((seed) => ({
      name: `${kind}-${seed}`,
      path: join(root, 'examples', 'paper', 'nets', `${kind}-${seed}.onnx`),
      share,
    })),
  );
  const present = all.filter(({ path }) => existsSync(path));
  if (!isQuick && present.length < all.length) {
    console.log(
      `\n${all.length - present.length} of ${all.length} nets are not trained; python3 examples/paper/train.py trains them ` +
        '(Debian: python3-torch, python3-onnx): train.py FOLDER_OF_THE_IDX_FILES examples/paper/nets digits digits-adam --epochs 8',
    );
  }
  return isQuick || present.length === 0 ? [{ name: '784-256-256-10', path: committed, share: 0.08 }] : present;
}

/** Mean square of each input of a layer. */
function meanSquares({ rows, columns, data }) {
  const sums = new Float64Array(columns);
  for (let e = 0; e < data.length; e++) sums[e % columns] += data[e] ** 2;
  return sums.map((sum) => sum / rows);
}

/** Scores of a layer's weights, [out, in]; the larger, the longer a weight stays. */
const scores = {
  magnitude: ({ weight: { data } }) => data.map(Math.abs),
  Wanda: ({ weight }, squares) => weight.data.map((w, e) => Math.abs(w) * Math.sqrt(squares[e % weight.dims[1]])),
  OBD: ({ weight }, squares, gradient) => {
    const columns = weight.dims[1];
    return weight.data.map(
      (w, e) => w ** 2 * squares[e % columns] * gradient.data[Math.floor(e / columns) * (gradient.rows + 1)],
    );
  },
};

/** Zeroes what scores low: within each row (Wanda), or over all layers together. */
function masks(method, all, share) {
  const kept = (list) => Float64Array.from(list).sort()[Math.floor((1 - share) * list.length)];
  if (method === 'Wanda') {
    return all.map(({ score, columns }) =>
      score.map((s, e) => {
        const first = e - (e % columns);
        if (e === first) score.limit = kept(score.subarray(first, first + columns));
        return s >= score.limit ? 1 : 0;
      }),
    );
  }
  const joint = new Float64Array(all.reduce((sum, { score }) => sum + score.length, 0));
  let offset = 0;
  for (const { score } of all) {
    joint.set(score, offset);
    offset += score.length;
  }
  const limit = kept(joint);
  return all.map(({ score }) => score.map((s) => (s >= limit ? 1 : 0)));
}

/** A net with weights zeroed by a method, and repaired layer by layer on what the ones before give. */
async function prune(method, original, rows, weights, factors, share) {
  const linears = linearsOf(original);
  const all = [];
  for (const linear of linears) {
    const x = asSamples((await evaluate(original, rows, [linear.input]))[linear.input] ?? rows[linear.input]);
    const score = scores[method](linear, meanSquares(x), factors.get(linear.name));
    all.push({ score, columns: linear.weight.dims[1] });
  }
  const kept = masks(method, all, share);
  let graph = original;
  for (const [i, { name, output }] of linears.entries()) {
    const linear = linearsOf(graph).find((candidate) => candidate.name === name);
    const x = asSamples((await evaluate(graph, rows, [linear.input]))[linear.input], weights);
    const y = asSamples((await evaluate(original, rows, [output]))[output], weights);
    const [out, columns] = linear.weight.dims;
    const start = widen(
      out,
      columns,
      linear.weight.data.map((w, e) => (kept[i][e] ? w : 0)),
    );
    graph = withAffine(graph, linear, refitSparse(start, momentsOf(x), x, y));
  }
  return graph;
}

/** Processor time of `call`, in milliseconds each, in turns with `base`: how many times faster it is. */
function speedUp(base, call, { rounds, calls }) {
  const time = (run) => {
    const start = process.cpuUsage();
    for (let i = 0; i < calls; i++) run();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000 / calls;
  };
  for (const run of [base, call]) time(run);
  return median(Array.from({ length: rounds }, () => time(base) / time(call)));
}

function sessionOf(graph) {
  return createSession(buildPlan(graph), null, { executor: 'wasm' });
}

/** How a network does: work, agreement and bound on the guard, accuracy on the test images. */
class Judge {
  constructor(graph, { guard, test }) {
    Object.assign(this, { graph, guard, test, whole: countMacs(graph), base: sessionOf(graph) });
    this.batch = { x: new Tensor('float32', test.x.data.slice(0, 64 * 784), [64, 784]) };
  }

  async outputs(session, { x }) {
    return session.run({ x });
  }

  async row(method, session, work, options) {
    const [before, after] = [await this.outputs(this.base, this.guard), await this.outputs(session, this.guard)];
    const { seen, n } = compareOutputs(n0(this.guard), before, after, decision);
    const correct = async (its) => countCorrect((await this.outputs(its, this.test)).logits, this.test.labels);
    const [first, second] = [await correct(this.base), await correct(session)];
    const times = speedUp(
      () => this.base.runSync(this.batch),
      () => session.runSync(this.batch),
      options,
    );
    const points = (100 * (second - first)) / this.test.labels.length;
    return { method, work, points, agreement: 1 - seen / n, bound: upperBound(seen, n, confidence), speedUp: times };
  }
}

const n0 = ({ labels }) => labels.length;

function countCorrect({ data, dims: [n, classes] }, labels) {
  let correct = 0;
  for (let i = 0; i < n; i++) {
    const row = data.subarray(i * classes, (i + 1) * classes);
    if (row.indexOf(Math.max(...row)) === labels[i]) correct++;
  }
  return correct;
}

/** All methods on one net. */
async function compareOn({ name, path, share }, digits, options) {
  const model = readOnnx(new Uint8Array(readFileSync(path)));
  const graph = canonicalise(model.graph);
  const rows = { x: digits.calibration.x };
  const weights = rowWeights(n0(digits.calibration), await evaluate(graph, rows), decision);
  const { factors } = await fisherFactors(graph, rows, decision, evaluate);
  const factorsOf = async (changed) => (await fisherFactors(changed, rows, decision, evaluate)).factors;
  const judge = new Judge(graph, digits);
  const fitted = async (importance) => {
    const fitter = new Fitter(graph, graph, rows, evaluate, importance);
    const offers = await offersOf(fitter);
    return fitter.fit(settingAt(offers, judge.whole, share, new Map(), byWork));
  };
  const results = [];
  const add = async (method, session, work) => {
    results.push({ net: name, ...(await judge.row(method, session, work, options)) });
    await session.release();
  };
  for (const [method, made] of [
    ['kerf', () => fitted({ weights, factors, factorsOf })],
    ['plain low rank', () => fitted(allAlike)],
    ...['OBD', 'Wanda', 'magnitude'].map((word) => [word, () => prune(word, graph, rows, weights, factors, share)]),
  ]) {
    const result = await made();
    const isSparse = method in scores;
    await add(method, sessionOf(result), isSparse ? share : countMacs(result) / judge.whole);
  }
  for (const [method, maxDisagreement, cascade] of [
    ['kerf decompose, 2 %', 0.02, 'off'],
    ['kerf decompose, 0.5 %', 0.005, 'auto'],
  ]) {
    const { package: made, summary } = await decompose(model, {
      calibration: rows,
      guard: { x: digits.guard.x },
      maxDisagreement,
      cascade,
    });
    await add(method, createPackageSession(made, { executor: 'wasm' }), summary.macs.after / summary.macs.before);
  }
  await judge.base.release();
  return results;
}

const percent = (share, digits = 2) => `${(100 * share).toFixed(digits)} %`;

/** @returns rows of the result file, one for each net and method */
export async function benchMethods({ isQuick, rounds, calls }) {
  const digits = readDigits(findDigits([join(root, 'examples', 'node_modules')]));
  const results = [];
  for (const net of netsOf(isQuick)) results.push(...(await compareOn(net, digits, { rounds, calls })));
  printTable(
    'Digits nets: methods at the same share of the work, repaired alike on 4,096 images; accuracy on 5,000 images, agreement and its 95 % bound on 5,000 others',
    ['net', 'method', 'work', 'accuracy', 'agreement', 'differs at most', 'batch 64 over dense'],
    results.map((r) => [
      r.net,
      r.method,
      percent(r.work),
      `${r.points >= 0 ? '+' : ''}${r.points.toFixed(2)} pp`,
      percent(r.agreement),
      percent(r.bound),
      `${r.speedUp.toFixed(1)}x`,
    ]),
  );
  console.log(
    '  Zeroed weights (OBD, Wanda, magnitude) run in the dense kernels: no runtime gains from them at this density.',
  );
  return results;
}
