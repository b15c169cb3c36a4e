/** `npm run paper`: trains what is missing, measures the paper's claims, writes docs/paper.md. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findsSupport } from './claims/finds-support.mjs';
import { givesBlocks } from './claims/gives-blocks.mjs';
import { isDependency } from './claims/is-dependency.mjs';
import { neverMoves } from './claims/never-moves.mjs';
import { noEffect } from './claims/no-effect.mjs';
import { missingNets, readData, readNet, seeds, train } from './networks.mjs';
import { formatPage } from './page.mjs';

/** Rows of one net: each with a value for each seed, passed iff its rule holds for all. */
async function measureKind(kind, measure) {
  const rows = new Map();
  for (const seed of seeds) {
    const net = await readNet(kind, seed);
    const put = (what, value, unit = '', rule = undefined) => {
      if (!rows.has(what)) rows.set(what, { net: kind, what, unit, rule, values: [] });
      rows.get(what).values.push(value);
    };
    await measure(net, put, await readData(net));
    process.stderr.write(`  ${kind}, seed ${seed}\n`);
  }
  return [...rows.values()].map((row) => ({ ...row, passed: !row.rule || row.values.every(row.rule.holds) }));
}

const missing = missingNets();
try {
  if (missing.length > 0) train(missing);
} catch (error) {
  process.stderr.write(`paper: ${error.message}\n`);
  process.exit(1);
}
const results = [];
for (const { title, why, kinds, measure } of [neverMoves, noEffect, findsSupport, isDependency, givesBlocks]) {
  process.stderr.write(`${title}\n`);
  const rows = [];
  for (const kind of kinds) rows.push(...(await measureKind(kind, measure)));
  results.push({ title, why, rows });
}
const page = formatPage(results);
const docs = join(import.meta.dirname, '../../docs');
mkdirSync(docs, { recursive: true });
writeFileSync(join(docs, 'paper.md'), page);
process.stdout.write(page);
