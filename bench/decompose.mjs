/** Makes a decomposed package, by the library as a user does. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadModel } from '../build/src/model/index.js';
import { encodePackage } from '../build/src/package/kerf-writer.js';
import { decompose } from '../build/src/pipeline.js';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Where the files of the benchmarks stand. */
export const folder = join(root, 'build', 'bench');

/**
 * @param name  of the package, without its ending
 * @param options  of `decompose`: calibration and guard
 * @returns path of the package, and the numbers of its summary
 */
export async function makePackage(name, modelPath, options) {
  const made = await decompose(await loadModel(modelPath), { maxDisagreement: 0.02, cascade: 'off', ...options });
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.kerf`);
  writeFileSync(path, encodePackage(made.package));
  const { macs, parameters, parts, certificate } = made.summary;
  return { path, macs, parameters, parts: parts.length, bound: certificate.bound };
}
