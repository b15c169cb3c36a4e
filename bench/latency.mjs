/** Steady calls of one row through 784-256-10, each timed alone: the median and the tail of 20,000. */
import { installed, ratioOf, startContender } from './driver.mjs';
import { makeMlp } from './mlp.mjs';
import { median, quantile, thin } from './statistics.mjs';
import { formatMs, printTable } from './table.mjs';

const names = installed(['kerf', 'onnxruntime-web', 'onnxruntime-node', 'tfjs-wasm']);

/** Rounding differs: outputs are sums of 784 and 256 terms near 1. */
const tolerance = 1e-4;

/** @returns for each contender its samples, median and 99th percentile, and its time over kerf's by rounds */
export async function benchLatency({ calls, blockMs }) {
  const job = await makeMlp();
  const contenders = [];
  for (const name of names) contenders.push(await startContender(name));
  const probes = Array.from({ length: 10 }, (_, i) => i);
  const outputs = [];
  for (const { ask } of contenders) {
    outputs.push((await ask({ do: 'prepare', job, probes, warmUpMs: 500 })).values);
  }
  for (const [i, values] of outputs.entries()) {
    const far = values.findIndex((value, at) => !(Math.abs(value - outputs[0][at]) <= tolerance));
    if (far >= 0)
      throw new Error(`${names[i]}: output ${far} is wrong: got ${values[far]}, kerf gave ${outputs[0][far]}`);
  }
  const blocks = contenders.map(() => []);
  const hashes = contenders.map(() => []);
  while (blocks.some((own) => own.reduce((sum, block) => sum + block.length, 0) < calls)) {
    for (const [i, { ask }] of contenders.entries()) {
      const { callMs, hash } = await ask({ do: 'block', ms: blockMs });
      blocks[i].push(callMs);
      hashes[i].push(hash);
    }
  }
  const versions = contenders.map(({ name, version, flags }) => ({ name, version, flags }));
  await Promise.all(contenders.map((contender) => contender.stop()));
  const results = names.map((name, i) => {
    const all = blocks[i].flat().slice(0, calls);
    const [medianMs, p99Ms] = [median(all), quantile(all, 0.99)];
    return {
      name,
      medianMs,
      p99Ms,
      ratio: ratioOf(blocks[i], blocks[0]),
      hashes: hashes[i],
      samplesMs: thin(all, 1000),
    };
  });
  printTable(
    `MLP 784-256-10, one row of normal inputs, ${calls} calls timed one by one`,
    ['contender', 'median', 'p99', 'median / kerf', 'p99 / kerf'],
    results.map(({ name, medianMs, p99Ms, ratio }) => [
      name,
      formatMs(medianMs),
      formatMs(p99Ms),
      `${ratio.median.toFixed(2)}x`,
      `${(p99Ms / results[0].p99Ms).toFixed(2)}x`,
    ]),
  );
  return { versions, results };
}
