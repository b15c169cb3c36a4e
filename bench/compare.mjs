/**
 * Whether two result files differ beyond their noise: `node bench/compare.mjs OLD.json NEW.json`.
 * Every figure with samples is compared by the ratio of medians; it differs when the interval of that ratio, from the
 * order statistics that hold each median with 99 %, does not contain 1. Exit 1 when something became slower.
 */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { median } from './statistics.mjs';
import { printTable } from './table.mjs';

/** Quantile of the normal law for 99 % on both sides. */
const z = 2.576;

/** Median of samples with the order statistics around it: ranks n/2 -+ z sqrt(n)/2. */
export function medianInterval(samples) {
  const sorted = Float64Array.from(samples).sort();
  const n = sorted.length;
  const half = (z * Math.sqrt(n)) / 2;
  const at = (rank) => sorted[Math.min(n - 1, Math.max(0, rank))];
  return { median: at(Math.floor(n / 2)), low: at(Math.floor(n / 2 - half) - 1), high: at(Math.ceil(n / 2 + half)) };
}

/** All lists of samples in a result, by a name that says where they stand. */
export function samplesOf(value, name = '', found = new Map()) {
  if (Array.isArray(value)) {
    for (const [i, entry] of value.entries()) samplesOf(entry, `${name}/${labelOf(entry) ?? i}`, found);
  } else if (value && typeof value === 'object') {
    if (Array.isArray(value.samplesMs)) found.set(name, value.samplesMs);
    // Calls of one block follow each other and share what disturbs them: a block counts once.
    if (Array.isArray(value.blocks))
      found.set(
        name,
        value.blocks.map((block) => median(block)),
      );
    for (const [key, entry] of Object.entries(value)) {
      if (key !== 'samplesMs' && key !== 'blocks') samplesOf(entry, `${name}/${key}`, found);
    }
  }
  return found;
}

function labelOf(entry) {
  if (!entry || typeof entry !== 'object') return undefined;
  const words = [entry.law, entry.name, entry.part, entry.batch && `batch ${entry.batch}`].filter(Boolean);
  return words.length ? words.join(' ') : undefined;
}

/** @returns for each figure in both results: the new time over the old, its interval, and the verdict */
export function compare(before, after) {
  const [old, fresh] = [samplesOf(before), samplesOf(after)];
  return [...old].flatMap(([name, samples]) => {
    const other = fresh.get(name);
    if (!other || samples.length < 5 || other.length < 5) return [];
    const [a, b] = [medianInterval(samples), medianInterval(other)];
    const [low, high] = [b.low / a.high, b.high / a.low];
    const verdict = low > 1 ? 'slower' : high < 1 ? 'faster' : 'same';
    return [{ name, ratio: b.median / a.median, low, high, verdict }];
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [before, after] = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, 'utf8')));
  if (!before || !after) {
    process.stderr.write('compare: expected two result files: node bench/compare.mjs OLD.json NEW.json\n');
    process.exit(2);
  }
  const rows = compare(before, after);
  printTable(
    'Time after over time before; the interval holds the true ratio of medians with about 99 %',
    ['figure', 'ratio', 'interval', 'verdict'],
    rows.map(({ name, ratio, low, high, verdict }) => [
      name,
      ratio.toFixed(2),
      `${low.toFixed(2)}-${high.toFixed(2)}`,
      verdict,
    ]),
  );
  process.exit(rows.some(({ verdict }) => verdict === 'slower') ? 1 : 0);
}
