/**
 * Whole networks: kerf on the dense model, kerf on its decomposed package, and the peers on the dense model, each in its
 * own process with one thread, taking turns. Copies from and to the host are included, and inputs change at each call.
 */
import { detector } from './detector.mjs';
import { digits } from './digits.mjs';
import { race, ratioOf, startContender } from './driver.mjs';
import { thin } from './statistics.mjs';
import { formatMs, formatRatio, printTable } from './table.mjs';

const names = ['kerf', 'kerf decomposed', 'onnxruntime-web', 'onnxruntime-node'];

/** Times one case, and counts the rows to which the package gives another class than the dense net. */
async function raceCase(contenders, { batch, job, width, verify }, options) {
  const answers = new Map();
  const keep = (who, values) => {
    answers.set(who, classesOf(values, width));
    verify(who, values);
  };
  const probes = Array.from({ length: batch * width }, (_, i) => i);
  const results = await race(contenders, job, probes, keep, options);
  const [dense, decomposed] = names.map((name) => answers.get(name));
  return { batch, disagreements: dense.filter((digit, row) => digit !== decomposed[row]).length, contenders: results };
}

/** Index of the largest value of each row. */
function classesOf(values, width) {
  const rows = Array.from({ length: values.length / width }, (_, row) => values.slice(row * width, (row + 1) * width));
  return rows.map((row) => row.indexOf(Math.max(...row)));
}

/** @returns rows of the result file, one for each model and batch */
export async function benchModels(options) {
  const networks = [await digits([1, 8, 64]), await detector([1, 8])];
  const contenders = [];
  for (const name of names) contenders.push(await startContender(name));
  const versions = contenders.map(({ name, version, flags, pid }) => ({ name, version, flags, pid }));
  const results = [];
  for (const { name, made, cases } of networks) {
    for (const one of cases) results.push({ name, made, ...(await raceCase(contenders, one, options)) });
  }
  await Promise.all(contenders.map((contender) => contender.stop()));
  printPackages(networks);
  printTimes(results);
  printRatios(results);
  for (const { name, version, flags } of versions) console.log(`  ${name} ${version}: ${flags}`);
  console.log('  The ONNX form of the detector looks up padding too, as its original does; kerf skips it.');
  return { versions, results: results.map(thinned) };
}

function printPackages(networks) {
  printTable(
    'Decomposed packages',
    ['network', 'multiply-adds', 'of dense', 'parts', 'certified disagreement'],
    networks.map(({ name, made: { macs, parts, bound } }) => [
      name,
      Math.round(macs.after),
      `${((100 * macs.after) / macs.before).toFixed(1)} %`,
      parts,
      bound === undefined || bound === null ? '-' : `<= ${(100 * bound).toFixed(2)} %`,
    ]),
  );
}

function printTimes(results) {
  printTable(
    'Networks, one thread, each contender in its own process, interleaved: median of a call, and the 99th percentile',
    ['network', 'batch', ...names.flatMap((name) => [name, 'p99']), 'other class'],
    results.map(({ name, batch, contenders, disagreements }) => [
      name,
      batch,
      ...contenders.flatMap(({ medianMs, p99Ms }) => [formatMs(medianMs), formatMs(p99Ms)]),
      `${disagreements} of ${batch}`,
    ]),
  );
}

/** How much faster: paired by rounds, with the quartiles of the rounds. */
function printRatios(results) {
  const [dense, decomposed, web, node] = [0, 1, 2, 3];
  const pairs = [
    ['decomposed over dense', dense, decomposed],
    ['dense over web', web, dense],
    ['decomposed over web', web, decomposed],
    ['dense over node', node, dense],
    ['decomposed over node', node, decomposed],
  ];
  printTable(
    'How much faster kerf is (web and node are onnxruntime on the dense model; quartiles of the rounds)',
    ['network', 'batch', ...pairs.map(([title]) => title)],
    results.map(({ name, batch, contenders }) => [
      name,
      batch,
      ...pairs.map(([, slow, fast]) => formatRatio(ratioOf(contenders[slow].blocks, contenders[fast].blocks))),
    ]),
  );
}

function thinned(result) {
  const contenders = result.contenders.map((c) => ({ ...c, blocks: c.blocks.map((block) => thin(block, 20)) }));
  return { ...result, contenders };
}
