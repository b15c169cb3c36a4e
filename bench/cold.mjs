/** From a packaged 784-256-10 to its first output through `kerf/runtime`, as a whole process against a bare one. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { root } from './decompose.mjs';
import { makeMlp } from './mlp.mjs';
import { median, quantile } from './statistics.mjs';
import { printTable } from './table.mjs';

/** The core, and the chunks that it loads on demand. */
const bundle = join(root, 'build', 'runtime.js');
const chunkFolder = join(root, 'build', 'runtime');

/** What every process tells at its end. */
const tell =
  'console.log(JSON.stringify({ ...process.resourceUsage(), rss: process.memoryUsage.rss(), marks: globalThis.marks }));';

/** Runs the package at `path`; `mark` is a statement between the phases. */
function scriptOf(path, mark = '') {
  return `
    import { readFileSync } from 'node:fs';
    ${mark}
    const { InferenceSession, Tensor } = await import(${JSON.stringify(pathToFileURL(bundle).href)});
    ${mark}
    const session = await InferenceSession.create(readFileSync(${JSON.stringify(path)}));
    ${mark}
    const { y } = session.runSync({ x: new Tensor('float32', new Float32Array(784).fill(0.5), [1, 784]) });
    ${mark}
    if (!y.data.every(Number.isFinite)) throw new Error('no output');
    ${tell}`;
}

/** What any runtime of this kind does: reads the package, imports one module, compiles its kernels. */
function floorOf(path) {
  const empty = join(root, 'build', 'bench', 'empty.js');
  writeFileSync(empty, 'export {};\n');
  return `
    import { readFileSync } from 'node:fs';
    await import(${JSON.stringify(pathToFileURL(empty).href)});
    readFileSync(${JSON.stringify(path)});
    new WebAssembly.Module(readFileSync(${JSON.stringify(join(root, 'build', 'wasm', 'core.wasm'))}));
    ${tell}`;
}

/** Only where phases are measured: the first use of `performance` takes a millisecond. */
const mark = '(globalThis.marks ??= []).push(performance.now());';

/** Wall time, processor time and memory of one process. */
function measure(script) {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  const wallMs = performance.now() - start;
  if (status !== 0) throw new Error(stderr);
  const { userCPUTime, systemCPUTime, rss, marks } = JSON.parse(stdout);
  return { wallMs, cpuMs: (userCPUTime + systemCPUTime) / 1000, rssMiB: rss / 2 ** 20, marks };
}

/** @returns pairs of a bare process and one that runs the package, and the size of the bundle */
export async function benchCold({ pairs }) {
  const { package: path } = await makeMlp();
  const samples = Array.from({ length: pairs }, () => ({
    bare: measure(tell),
    floor: measure(floorOf(path)),
    kerf: measure(scriptOf(path)),
    phases: measure(scriptOf(path, mark)),
  }));
  const row = (title, name, unit) => {
    const beyond = (who) => {
      const all = samples.map((sample) => sample[who][name] - sample.bare[name]);
      const [low, high] = [0.25, 0.75].map((q) => quantile(all, q).toFixed(1));
      return `+${median(all).toFixed(1)} ${unit} (${low} to ${high})`;
    };
    return [
      title,
      `${median(samples.map(({ bare }) => bare[name])).toFixed(1)} ${unit}`,
      beyond('floor'),
      beyond('kerf'),
    ];
  };
  printTable(
    `Cold start: whole process from a package to its first output, over bare Node (quartiles of ${pairs} pairs)`,
    ['figure', 'bare', 'empty module, package, kernels', 'kerf/runtime'],
    [row('wall time', 'wallMs', 'ms'), row('processor time', 'cpuMs', 'ms'), row('memory', 'rssMiB', 'MiB')],
  );
  const phases = ['reading and compiling the JavaScript', 'compiling the module, checking and packing', 'first run'];
  const phaseMs = phases.map((_, i) => median(samples.map(({ phases: { marks } }) => marks[i + 1] - marks[i])));
  console.log(`  inside the process: ${phases.map((phase, i) => `${phase} ${phaseMs[i].toFixed(1)} ms`).join(', ')}`);
  const compressed = (path) => gzipSync(readFileSync(path), { level: 9 }).length;
  const coreGzipBytes = compressed(bundle);
  const chunks = readdirSync(chunkFolder).map((name) => compressed(join(chunkFolder, name)));
  const gzipBytes = chunks.reduce((sum, bytes) => sum + bytes, coreGzipBytes);
  const kilobytes = (bytes) => `${(bytes / 1024).toFixed(1)} KB`;
  console.log(
    `  kerf/runtime with its kernels, compressed: ${kilobytes(coreGzipBytes)} for linear packages, ${kilobytes(gzipBytes)} with all chunks`,
  );
  return { samples, phases: phases.map((phase, i) => ({ phase, ms: phaseMs[i] })), coreGzipBytes, gzipBytes };
}
