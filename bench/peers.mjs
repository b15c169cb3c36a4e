/** Linear layers against the peers: every contender in its own process, taking turns, copies to and from the host included. */
import { verifyLinear } from './check.mjs';
import { installed, race, startContender } from './driver.mjs';
import { linearData, probesOf } from './linear-job.mjs';
import { thin } from './statistics.mjs';
import { formatMs, formatRatio, printTable } from './table.mjs';

/** Above this many multiply-adds the plain loop takes longer than all the others together. */
const plainLoopLimit = 2e7;

const names = ['kerf', 'onnxruntime-web', 'onnxruntime-node', 'tfjs-wasm', 'plain loop'];

async function raceShape(contenders, shape, options) {
  const job = { ...shape, seed: 1 };
  const { inputs, w, b } = linearData(job);
  const probes = probesOf(shape.M * shape.N);
  const isSmall = shape.M * shape.K * shape.N <= plainLoopLimit;
  const runners = contenders.filter((contender) => isSmall || contender.name !== 'plain loop');
  const verify = (who, values) => verifyLinear(who, shape, inputs[0], w, b, probes, values);
  const results = await race(runners, job, probes, verify, options);
  return { ...shape, contenders: results };
}

/** @returns rows of the result file, one for each shape */
export async function benchPeers(shapes, options) {
  const contenders = [];
  for (const name of installed(names)) contenders.push(await startContender(name));
  const versions = contenders.map(({ name, version, flags, pid }) => ({ name, version, flags, pid }));
  const results = [];
  for (const shape of shapes) results.push(await raceShape(contenders, shape, options));
  await Promise.all(contenders.map((contender) => contender.stop()));
  printTable(
    'Linear layers, each contender in its own process, interleaved: median of a call with copies in and out, and how much longer the peers take (quartiles of the rounds)',
    ['layer', 'M x K x N', 'kerf', 'GFLOP/s', ...names.slice(1), 'web, processor time'],
    results.map(peerRow),
  );
  for (const { name, version, flags } of versions) console.log(`  ${name} ${version}: ${flags}`);
  return { versions, results: results.map(thinned) };
}

function peerRow({ name, M, K, N, contenders }) {
  const [own] = contenders;
  const ratioOf = (peer) => formatRatio(contenders.find((contender) => contender.name === peer)?.ratio);
  const gflops = ((2 * M * K * N) / own.medianMs / 1e6).toFixed(1);
  const { cpuRatio } = contenders.find((contender) => contender.name === 'onnxruntime-web');
  return [
    name,
    `${M}x${K}x${N}`,
    formatMs(own.medianMs),
    gflops,
    ...names.slice(1).map(ratioOf),
    formatRatio(cpuRatio),
  ];
}

/** The result without most of its raw samples: at most 20 calls of each round. */
function thinned(result) {
  return {
    ...result,
    contenders: result.contenders.map((c) => ({ ...c, blocks: c.blocks.map((block) => thin(block, 20)) })),
  };
}
