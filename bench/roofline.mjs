/**
 * Where kernels and layers stand under the roof that this machine gives them: arithmetic at most at the peak, and bytes at
 * most as fast as they are read. One process, one thread, everything warm. The bytes counted are those of inputs, weights
 * and outputs once each, which is the least that a call moves.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalise } from '../build/src/graph/canonicalise.js';
import { countMacs } from '../build/src/graph/cost.js';
import { InferenceSession, loadModel, Tensor } from '../build/src/index.js';
import { buildName, hostKernels } from './kernel-module.mjs';
import { checkedCall } from './kernels.mjs';
import { jobOf } from './layers.mjs';
import { bestMs, measureRead } from './machine.mjs';
import { drawRoofline } from './roofline-svg.mjs';
import { formatMs, printTable } from './table.mjs';

/** Bytes that are read again and again to measure each roof: what a first and a second level cache hold, and more than they hold. */
const readSizes = [
  ['24 KiB', 24 * 2 ** 10],
  ['1 MiB', 2 ** 20],
  ['8 MiB', 8 * 2 ** 20],
  ['128 MiB', 128 * 2 ** 20],
];

/** A linear layer by its kernel alone. */
function linearPoint(shape, build, ms) {
  const { name, M, K, N } = shape;
  const { call } = checkedCall(shape, build);
  const bytes = 4 * (M * K + (K + 1) * N + M * N);
  return pointOf({ name, kind: 'kernel', flops: 2 * M * K * N, bytes }, call, ms);
}

/** A layer by a session, with copies in and out. */
async function layerPoint(shape, folder, ms) {
  const { job } = jobOf(shape, folder);
  const { graph } = await loadModel(job.model);
  const session = await InferenceSession.create(job.model, { threads: 1, executor: 'wasm' });
  const feeds = job.feeds.map(({ x: { type, data, dims } }) => ({ x: new Tensor(type, data, dims) }));
  const [{ x }] = feeds;
  const numbers = [...graph.initializers.values()].reduce((sum, { size }) => sum + size, x.size);
  const bytes = 4 * (numbers + session.runSync(feeds[0]).y.size);
  let next = 0;
  const call = () => session.runSync(feeds[next++ % feeds.length]);
  // Work is counted by sample, and the first axis of these models is fixed.
  const flops = 2 * countMacs(canonicalise(graph)) * x.dims[0];
  const point = pointOf({ name: shape.name, kind: 'layer', flops, bytes }, call, ms);
  await session.release();
  return point;
}

function pointOf(point, call, ms) {
  for (const end = performance.now() + 300; performance.now() < end; ) call();
  const fastestMs = bestMs(call, ms);
  return { ...point, fastestMs, gflops: point.flops / fastestMs / 1e6, flopsPerByte: point.flops / point.bytes };
}

/** What a point reaches of the roof over it: the peak, or the speed at which as many bytes as its own are read. */
function shareOf({ gflops, flopsPerByte, bytes }, peak, reads) {
  const { gbps } = reads.find((read) => read.bytes >= bytes) ?? reads.at(-1);
  return gflops / Math.min(peak, gbps * flopsPerByte);
}

/**
 * @param peak  from openPeak
 * @param svgPath  where the drawing goes; null for none
 * @returns roofs and points of the result file
 */
export async function benchRoofline({ linear, layers }, peak, machine, { ms, svgPath }) {
  const reads = [];
  for (const [name, bytes] of readSizes) reads.push({ name, bytes, gbps: await measureRead(bytes) });
  const build = await hostKernels();
  const points = [];
  for (const shape of linear) {
    points.push(linearPoint(shape, build, ms));
    peak.look(100);
  }
  const folder = mkdtempSync(join(tmpdir(), 'kerf-bench-'));
  try {
    for (const shape of layers) {
      points.push(await layerPoint(shape, folder, ms));
      peak.look(100);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  printPoints(points, peak.gflops, reads, build);
  const title = `${machine.cpu}, Node ${machine.node}, ${buildName(build)} build, one thread`;
  if (svgPath) writeFileSync(svgPath, drawRoofline({ title, peak: peak.gflops, reads, points }));
  return { reads, points };
}

function printPoints(points, peak, reads, build) {
  const roofs = reads.map(({ name, gbps }) => `${gbps.toFixed(0)} GB/s from ${name}`).join(', ');
  printTable(
    `Roofline (${buildName(build)} build), one thread: ${peak.toFixed(1)} GFLOP/s of products and sums; reads at ${roofs}; fastest call`,
    ['kernel or layer', 'by', 'FLOP/byte', 'time', 'GFLOP/s', 'of its roof'],
    points.map((point) => [
      point.name,
      point.kind,
      point.flopsPerByte.toFixed(2),
      formatMs(point.fastestMs),
      point.gflops.toFixed(1),
      `${(100 * shareOf(point, peak, reads)).toFixed(0)} %`,
    ]),
  );
}
