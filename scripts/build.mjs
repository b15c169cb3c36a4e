/**
 * Builds everything under build/: the WASM modules that asconfig.json names, each embedded as text in a JS module (so
 * that a package needs no loader), then the TypeScript. The digits net of the demo is compressed, to be published.
 * `--if-stale` does nothing when build/ is newer than every source file.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, deflateRawSync } from 'node:zlib';
import asc from 'assemblyscript/asc';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);

/** Optimised until nothing changes: a hundredth less code. */
const converged = ['--converge'];

/**
 * For modules that are to be small: fewer functions are written out where they are called, but for those of the GEMM, which
 * ask for it. assembly/operators/ asks whether the name is defined.
 */
const small = ['--use', 'KERF_SMALL=ASC_TARGET', '--shrinkLevel', '1', ...converged];

/**
 * For modules whose bits differ from those of the small ones anyway, which have no room for it; and for the debug module,
 * where tests reach it on every host.
 */
const winograd = ['--use', 'KERF_WINOGRAD=ASC_TARGET'];

/**
 * Module name -> entry file and asconfig target. `analysis` serves the tool only, so the runtime stays small. What is
 * loaded on `anyHost` is inflated by its importer, since hosts without Node's zlib can do so only asynchronously.
 */
const modules = {
  plain: { entry: 'assembly/index.ts', target: 'plain', options: converged },
  'plain-shared': { entry: 'assembly/index.ts', target: 'plain-shared', options: converged },
  relaxed: { entry: 'assembly/index.ts', target: 'relaxed', anyHost: true, options: [...winograd, ...converged] },
  'relaxed-shared': { entry: 'assembly/index.ts', target: 'relaxed-shared', options: [...winograd, ...converged] },
  core: { entry: 'assembly/core.ts', target: 'plain', options: small },
  more: {
    entry: 'assembly/more.ts',
    target: 'plain',
    fromCore: ['linear/gemm.ts', 'linear-steps.ts', 'operators/axis-rows.ts', 'operators/unary-core.ts'],
    options: small,
  },
  debug: { entry: 'assembly/index.ts', target: 'debug', options: winograd },
  analysis: { entry: 'assembly/analysis.ts', target: 'plain' },
  'analysis-debug': { entry: 'assembly/analysis.ts', target: 'debug' },
};

function newest(folder) {
  let time = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'node_modules') continue;
    const path = join(folder, entry.name);
    time = Math.max(time, entry.isDirectory() ? newest(path) : statSync(path).mtimeMs);
  }
  return time;
}

/** Removes outputs whose source is gone, so that a deleted test does not run. */
function removeOrphans(folder) {
  if (!existsSync(join('build', folder))) return;
  for (const entry of readdirSync(join('build', folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeOrphans(path);
    else if (!existsSync(path.replace(/(?:\.d\.(c?)ts|\.(c?)js)(\.map)?$/, '.$1$2ts'))) rmSync(join('build', path));
  }
}

/**
 * Where a module and its twin for shared memory differ: in the byte that declares the memory, so that one of them is
 * enough to publish.
 */
function sharedByte(name) {
  const [own, shared] = [name, `${name}-shared`].map((one) => readFileSync(`build/wasm/${one}.wasm`));
  const differences = [...own.keys()].filter((at) => own[at] !== shared[at]);
  const [at] = differences;
  if (own.length !== shared.length || differences.length !== 1 || own[at] !== 1 || shared[at] !== 3) {
    throw new Error(`${name}-shared.wasm differs from ${name}.wasm in more than the limits of its memory`);
  }
  return at;
}

/** A string literal of the bits of `bytes`, seven a character, which UTF-8 has one byte for; base64 has six. */
function literalOfBits(bytes) {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const text = bits.replaceAll(/.{1,7}/g, (seven) => String.fromCharCode(Number.parseInt(seven.padEnd(7, '0'), 2)));
  const escapes = { '\n': 'n', '\r': 'r' };
  return `"${text.replaceAll(/[\n\r"\\]/g, (char) => `\\${escapes[char] ?? char}`)}"`;
}

/** Writes a module, compressed, where a JS module finds it that exports one character for each byte. */
function embed(name) {
  const bytes = readFileSync(`build/wasm/${name}.wasm`);
  const isTwin = `${name}-shared` in modules;
  const lines = modules[name].anyHost
    ? [
        `const text = ${literalOfBits(deflateRawSync(bytes, { level: 9, memLevel: 9 }))};\n`,
        'let [held, count, bytes] = [0, 0, ""];\n',
        'for (let i = 0; i < text.length; i++) {\n',
        'held = ((held << 7) | text.charCodeAt(i)) & 0x7fff;\n',
        'count += 7;\n',
        'if (count >= 8) bytes += String.fromCharCode((held >> (count -= 8)) & 255);\n',
        '}\n',
        'export const latin1 = bytes;\n',
      ]
    : [
        "import { readFileSync } from 'node:fs';\n",
        "import { brotliDecompressSync } from 'node:zlib';\n",
        `const compressed = readFileSync(new URL('./${name}.wasm.br', import.meta.url));\n`,
        "export const latin1 = brotliDecompressSync(compressed).toString('latin1');\n",
      ];
  if (!modules[name].anyHost) writeFileSync(`build/wasm/${name}.wasm.br`, brotliCompressSync(bytes));
  if (isTwin) lines.push(`export const sharedAt = ${sharedByte(name)};\n`);
  writeFileSync(`build/wasm/${name}.js`, lines.join(''));
  const types = ['export declare const latin1: string;\n', 'export declare const sharedAt: number;\n'];
  writeFileSync(`build/wasm/${name}.d.ts`, types.slice(0, isTwin ? 2 : 1).join(''));
}

/** Reads sources; for those in `fromCore` (paths in assembly/) stands assembly/from-core.ts. */
function readerOf(fromCore) {
  const replaced = new Set(fromCore.map((path) => join('assembly', path)));
  return (path, folder) => {
    if (replaced.has(path)) return `export * from '${relative(dirname(path), 'assembly') || '.'}/from-core';`;
    return existsSync(join(folder, path)) ? readFileSync(join(folder, path), 'utf8') : null;
  };
}

/**
 * Words of 4 bytes up to the end of a file, their signs moved to the last place so that exponents fill a byte; what is in
 * front of them, then their first bytes, their second ones and so on, compressed. src/demo/places.ts reads it.
 */
function compressFloats(bytes) {
  const front = bytes.length % 4;
  const words = Uint32Array.from({ length: (bytes.length - front) / 4 }, (_, i) => bytes.readUInt32LE(front + 4 * i));
  const planes = [0, 8, 16, 24].map((shift) =>
    Buffer.from(words.map((word) => ((word << 1) | (word >>> 31)) >>> shift)),
  );
  return brotliCompressSync(Buffer.concat([bytes.subarray(0, front), ...planes]));
}

const stamp = join(root, 'build', '.built');
const wasmStamp = join(root, 'build', 'wasm', '.built');
const isFresh = (path, time) => existsSync(path) && statSync(path).mtimeMs >= time;
const configTime = Math.max(...['asconfig.json', 'tsconfig.json', 'scripts/build.mjs'].map((f) => statSync(f).mtimeMs));
const assemblyTime = Math.max(newest('assembly'), configTime);
const sourceTime = Math.max(newest('src'), newest('test'), assemblyTime);
if (process.argv.includes('--if-stale') && isFresh(stamp, sourceTime)) process.exit(0);

if (!isFresh(wasmStamp, assemblyTime)) {
  rmSync('build/wasm', { recursive: true, force: true });
  mkdirSync('build/wasm', { recursive: true });
  for (const [name, { entry, target, fromCore = [], options = [] }] of Object.entries(modules)) {
    const words = [entry, '--config', 'asconfig.json', '--target', target, ...options];
    const outputs = ['--outFile', `build/wasm/${name}.wasm`, '--textFile', `build/wasm/${name}.wat`];
    const { error, stderr } = await asc.main([...words, ...outputs], { readFile: readerOf(fromCore) });
    if (error) {
      process.stderr.write(`${name}: ${stderr.toString()}\n${error.message}\n`);
      process.exit(1);
    }
    const bytes = readFileSync(`build/wasm/${name}.wasm`);
    process.stderr.write(`built ${name}.wasm (${bytes.length} bytes)\n`);
  }
  for (const name of Object.keys(modules)) if (!name.endsWith('-shared')) embed(name);
  writeFileSync(wasmStamp, '');
}

removeOrphans('src');
removeOrphans('test');
const tsc = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'], {
  stdio: 'inherit',
});
if (tsc.status !== 0) process.exit(tsc.status ?? 1);
writeFileSync('build/digits.planes.br', compressFloats(readFileSync('test/golden/digits/digits.onnx')));
// Without it npm would obey build/.gitignore and publish nothing of build/.
writeFileSync(join(root, 'build', '.npmignore'), '.*\n*.map\n');
writeFileSync(stamp, '');
