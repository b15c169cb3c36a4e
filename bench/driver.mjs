/** Drives contenders, each in its own process, through the same job, taking turns: A, B, C, A, B, C, ... */
import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { median, quantile } from './statistics.mjs';

const childPath = fileURLToPath(new URL('./contender.mjs', import.meta.url));

/** The next answer of a child; rejects when it reports an error or ends. */
function answer(child) {
  return new Promise((resolve, reject) => {
    const settle = (act, value) => {
      child.off('message', onMessage);
      child.off('exit', onExit);
      act(value);
    };
    const onMessage = (message) =>
      settle(message.error ? reject : resolve, message.error ? new Error(message.error) : message);
    const onExit = (code, signal) => settle(reject, new Error(`the contender ended with ${signal ?? code}`));
    child.on('message', onMessage);
    child.on('exit', onExit);
  });
}

/** Packages of contenders that are not named like them. */
const packages = { 'tfjs-wasm': '@tensorflow/tfjs-backend-wasm' };

/** The contenders whose packages are installed; says which are not. */
export function installed(names) {
  const { resolve } = createRequire(import.meta.url);
  return names.filter((name) => {
    if (!packages[name]) return true;
    try {
      return resolve(packages[name]) !== '';
    } catch {
      console.log(`${name} is left out: ${packages[name]} is not installed; npm ci in bench/ does that`);
      return false;
    }
  });
}

/** Starts a contender; `ask` sends a request and waits for its answer. */
export async function startContender(name) {
  const child = fork(childPath, [name], { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const hello = await answer(child);
  const ask = (request) => {
    const answered = answer(child);
    child.send(request);
    return answered;
  };
  const stop = () => new Promise((resolve) => child.once('exit', resolve).disconnect());
  return { ...hello, ask, stop };
}

/**
 * Times every contender on one job.
 * @param contenders  from {@link startContender}; the first is the one that ratios are taken against
 * @param verify  (name, values) => void, throws when a contender's probed outputs are wrong; called before timing
 * @param options  rounds, blockMs of each turn, warmUpMs
 * @returns for each contender: callMs of each round, medianMs, p99Ms, and ratio (its time over the first's) of the
 *     rounds' medians with quartiles; cpuRatio, the same of processor time, which other programs disturb less; hashes,
 *     one of each round's outputs, which shows that they were computed and read
 */
export async function race(contenders, job, probes, verify, { rounds, blockMs, warmUpMs }) {
  for (const contender of contenders) {
    const { values } = await contender.ask({ do: 'prepare', job, probes, warmUpMs });
    verify(contender.name, values);
  }
  const blocks = contenders.map(() => []);
  const cpuMs = contenders.map(() => []);
  const hashes = contenders.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      const block = await contender.ask({ do: 'block', ms: blockMs });
      blocks[i].push(block.callMs);
      cpuMs[i].push([block.cpuMs]);
      hashes[i].push(block.hash);
    }
  }
  return contenders.map(({ name }, i) => ({
    name,
    ...summarize(blocks[i], blocks[0]),
    cpuRatio: ratioOf(cpuMs[i], cpuMs[0]),
    hashes: hashes[i],
  }));
}

function summarize(blocks, reference) {
  const all = blocks.flat();
  return { medianMs: median(all), p99Ms: quantile(all, 0.99), ratio: ratioOf(blocks, reference), blocks };
}

/** How much longer the calls of `blocks` take than those of `reference`: medians paired by round, with quartiles. */
export function ratioOf(blocks, reference) {
  const ratios = blocks.map((block, round) => median(block) / median(reference[round]));
  return { median: median(ratios), low: quantile(ratios, 0.25), high: quantile(ratios, 0.75) };
}
