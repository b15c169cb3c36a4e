/**
 * Blocks and bus on trained nets, five seeds each, all listed: `npm run bench -- blocks`. The nets are those of
 * examples/paper (`npm run paper` trains them; digits-adam only when train.py is told its name); what is missing is named
 * and left out.
 *
 *     ideal, ideal-small   784-256-256-10, 8 blocks by construction: support from the checkpoint, zeroed, least squares
 *     digits               784-512-512-10: a fifth of the weights by Wanda, repaired (repair.mjs)
 *     topics               1000-256-32: domains found blind, parts that never talk
 *     digits, digits-adam  784-512-512-10: 8 blocks with a bus of 16, 32 with 24; fitted on 4,096 images without labels
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { momentsOf } from '../build/src/annealing/least-squares.js';
import { findDomains } from '../build/src/annealing/partition.js';
import { findDigits, readDigits } from '../build/src/demo/index.js';
import { analyzePaper, annealByZero } from '../build/src/evidence/index.js';
import { decompose } from '../build/src/pipeline.js';
import { buildPlan } from '../build/src/plan/index.js';
import { InThread } from '../build/src/runtime/in-thread.js';
import { Machine } from '../build/src/runtime/machine.js';
import { plainKernels } from '../build/src/runtime/plain-kernels.js';
import { Tensor } from '../build/src/runtime/tensor.js';
import { compare, refit } from '../examples/paper/measure.mjs';
import { readData, readNet, seeds } from '../examples/paper/networks.mjs';
import { root } from './decompose.mjs';
import { ratioOf } from './driver.mjs';
import { repairRow } from './repair.mjs';
import { formatRatio, printTable } from './table.mjs';

const isThere = (kind, seed) => existsSync(join(root, 'examples', 'paper', 'nets', `${kind}-${seed}.onnx`));

/** Rows first .. end - 1. */
function rowsOf({ data, dims }, first, end) {
  const width = dims[1];
  return new Tensor('float32', data.slice(first * width, end * width), [end - first, width]);
}

/** Milliseconds of processor time that a call takes, over about `ms`. */
function time(call, ms) {
  const cpu = process.cpuUsage();
  const end = performance.now() + ms;
  let calls = 0;
  do call(calls++);
  while (performance.now() < end);
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / 1000 / calls;
}

/** Processor time of the dense plan over that of another, whole runs with copies in and out, in turns. */
function speedUp(dense, other, x, batch, { rounds, blockMs }) {
  const width = x.dims[1];
  const feeds = Array.from({ length: Math.min(32, Math.floor(x.dims[0] / batch)) }, (_, i) => ({
    x: new Tensor('float32', x.data.slice(i * batch * width, (i + 1) * batch * width), [batch, width]),
  }));
  const [before, after] = [dense, other].map((plan) => {
    const thread = new InThread(new Machine(plan, { kernels: plainKernels(), limitBytes: 2 ** 30, skipsZeros: false }));
    return (i) => thread.runSync(feeds[i % feeds.length], {});
  });
  for (const call of [before, after]) time(call, 150);
  const [beforeMs, afterMs] = [[], []];
  for (let round = 0; round < rounds; round++) {
    beforeMs.push([time(before, blockMs)]);
    afterMs.push([time(after, blockMs)]);
  }
  return ratioOf(beforeMs, afterMs);
}

const percent = (share, digits = 2) => `${(100 * share).toFixed(digits)} %`;

async function idealRow(kind, seed) {
  const net = await readNet(kind, seed);
  const data = await readData(net);
  const moved = await analyzePaper(net.graph, { init: net.initial, sequences: false });
  const zeroed = annealByZero(net.graph, moved);
  const [zero, fitted] = [zeroed, await refit(net, zeroed, data.calibration)];
  const [before, after] = [await compare(net, data, zero), await compare(net, data, fitted)];
  const body = moved.families.slice(0, 2);
  const kept = body.reduce((sum, { family }) => sum + family.supported, 0);
  const all = body.reduce((sum, { family }) => sum + family.tested, 0);
  return { kind, seed, movedShare: kept / all, zeroed: before, leastSquares: after };
}

/** Decomposes a net and judges it on inputs that neither fit nor guard has seen. */
async function split(net, data, { calibration, guard, test, ...options }, timing) {
  const model = { format: 'onnx', graph: net.graph, unsupported: [], sha256: '0'.repeat(64) };
  const settings = { calibration: { x: calibration }, guard: { x: guard }, maxDisagreement: 0.02, cascade: 'off' };
  const { summary, parts, package: made } = await decompose(model, { ...settings, ...options });
  const judged = await compare(net, data, parts.graph);
  const dense = buildPlan(net.graph);
  const ratios = [1, 64].map((batch) => ({ batch, ratio: speedUp(dense, made.plan, test, batch, timing) }));
  const { layers, certificate, bus } = summary;
  const work = summary.macs.after / summary.macs.before;
  return { k: layers[0].k, parts: summary.parts.length, bus: bus.r, work, ...judged, bound: certificate.bound, ratios };
}

/** Adjusted Rand index of the found domains of words against the true ones: 100 words each, then words without any. */
function agreementOfDomains(x) {
  const found = findDomains(momentsOf({ rows: x.dims[0], columns: x.dims[1], data: x.data }), 0);
  const labels = new Int32Array(x.dims[1]).fill(-1);
  found?.blocks.forEach(([first, end], domain) => {
    for (const word of found.order.subarray(first, end)) labels[word] = domain;
  });
  const truth = Int32Array.from(labels, (_, word) => (word < 800 ? Math.floor(word / 100) : -1));
  return { domains: found?.blocks.length ?? 1, randIndex: adjustedRandIndex(labels, truth) };
}

const pairs = (n) => (n * (n - 1)) / 2;

function adjustedRandIndex(a, b) {
  const count = (keys) => [...keys.reduce((map, key) => map.set(key, (map.get(key) ?? 0) + 1), new Map()).values()];
  const sum = (counts) => counts.reduce((total, n) => total + pairs(n), 0);
  const list = (labels) => Array.from(labels, String);
  const both = sum(count(list(a).map((label, i) => `${label} ${b[i]}`)));
  const [left, right] = [sum(count(list(a))), sum(count(list(b)))];
  const chance = (left * right) / pairs(a.length);
  return (both - chance) / ((left + right) / 2 - chance);
}

async function topicsRow(seed, timing) {
  const net = await readNet('topics', seed);
  const data = await readData(net);
  const half = data.labels.length >> 1;
  const guard = rowsOf(data.test, 0, half);
  const test = rowsOf(data.test, half, data.labels.length);
  const unseen = { test, labels: data.labels.slice(half), domains: data.domains.slice(half) };
  const domains = agreementOfDomains(data.calibration);
  return {
    kind: 'topics',
    seed,
    ...domains,
    ...(await split(net, unseen, { calibration: data.calibration, guard, test }, timing)),
  };
}

async function digitsRow(kind, seed, form, timing) {
  const { calibration, guard, test } = readDigits(findDigits([join(root, 'examples', 'node_modules')]));
  const net = await readNet(kind, seed);
  const options = { calibration: calibration.x, guard: guard.x, test: test.x, ...form };
  return { kind, seed, form, ...(await split(net, { test: test.x, labels: test.labels }, options, timing)) };
}

async function rowsFor(kinds, make) {
  const rows = [];
  for (const kind of kinds) {
    for (const seed of seeds) {
      if (isThere(kind, seed)) rows.push(...(await make(kind, seed)));
      else console.log(`not trained, left out: ${kind}-${seed}`);
    }
  }
  return rows;
}

const structureCells = ({ work, points, rel, bound, ratios }) => [
  percent(work),
  points.toFixed(2),
  rel.toFixed(3),
  bound === null ? '-' : percent(bound),
  ...ratios.map(({ ratio }) => formatRatio(ratio)),
];
const structureHeader = ['work', 'points', 'rel', 'certified', 'batch 1', 'batch 64'];

/** @returns rows of the result file: ideal, repaired, topics, digits */
export async function benchBlocks(timing) {
  const ideal = await rowsFor(['ideal', 'ideal-small'], async (kind, seed) => [await idealRow(kind, seed)]);
  printTable(
    'Blocks by construction: what the checkpoint says did not move, set to zero, and the rest by least squares',
    ['net', 'moved', 'zeroed: points', 'rel', 'least squares: points', 'rel'],
    ideal.map(({ kind, seed, movedShare, zeroed, leastSquares }) => [
      `${kind}-${seed}`,
      percent(movedShare),
      zeroed.points.toFixed(2),
      zeroed.rel.toFixed(4),
      leastSquares.points.toFixed(2),
      leastSquares.rel.toFixed(4),
    ]),
  );
  const repaired = await rowsFor(['digits'], async (kind, seed) => {
    const { calibration, test } = readDigits(findDigits([join(root, 'examples', 'node_modules')]));
    const data = { calibration: calibration.x, test: test.x, labels: test.labels };
    return [{ kind, seed, ...(await repairRow(await readNet(kind, seed), data)) }];
  });
  printTable(
    'A fifth of the weights kept by Wanda: zeroed, and repaired by least squares',
    ['net', 'zeroed: points', 'rel', 'least squares: points', 'rel'],
    repaired.map(({ kind, seed, zeroed, leastSquares }) => [
      `${kind}-${seed}`,
      ...[zeroed, leastSquares].flatMap(({ points, rel }) => [points.toFixed(2), rel.toFixed(3)]),
    ]),
  );
  const topics = await rowsFor(['topics'], async (_, seed) => [await topicsRow(seed, timing)]);
  printTable(
    "Domains found blind (Rand index), and parts that never talk: processor time of kerf's dense plan over theirs",
    ['net', 'domains', 'Rand', 'parts', 'bus', ...structureHeader],
    topics.map((row) => [
      `${row.kind}-${row.seed}`,
      row.domains,
      row.randIndex.toFixed(3),
      row.parts,
      row.bus,
      ...structureCells(row),
    ]),
  );
  const forms = [
    { parts: 8, bus: 16 },
    { parts: 32, bus: 24 },
  ];
  const digits = [];
  for (const form of forms) {
    const rows = await rowsFor(['digits', 'digits-adam'], async (kind, seed) => [
      await digitsRow(kind, seed, form, timing),
    ]);
    printTable(
      `${form.parts} blocks with a bus of ${form.bus}, on test images that neither fit nor guard has seen`,
      ['net', ...structureHeader],
      rows.map((row) => [`${row.kind}-${row.seed}`, ...structureCells(row)]),
    );
    digits.push(...rows);
  }
  return { ideal, repaired, topics, digits };
}
