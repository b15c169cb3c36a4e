/**
 * Bundles the runtime into what `kerf/runtime` is: build/runtime.js, with the core of the kernels inside, and
 * build/runtime/, chunks that it loads when a package needs them: other kinds of steps and the whole kernels, cascades,
 * with the choice of kernels. The relaxed module is loaded from where it stands: build/wasm/relaxed.js.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(join(root, 'test', 'package.json'));
const esbuild = require('esbuild');
const { minify } = require('terser');

/** What stands for a module until esbuild has written its files: it would escape every character that is not printed. */
const placeOf = (name) => `@wasm:${name}@`;

/**
 * Bits that are turned in every byte: more bytes are then below 128, and take one byte of UTF-8 instead of two. Mirrored
 * by src/runtime/more-kernels.ts; the core does without, since it would start later.
 */
const masks = { more: 122 };

/** A string literal with one character for each byte; only what ends a literal is escaped. */
function literalOf(bytes) {
  const escapes = { '\n': 'n', '\r': 'r' };
  return `"${bytes.toString('latin1').replaceAll(/[\n\r"\\]/g, (char) => `\\${escapes[char] ?? char}`)}"`;
}

/**
 * Takes modules in as they are, one character a byte (base64 would hide repetitions from gzip), and leaves the relaxed
 * one where it is.
 */
const modules = {
  name: 'wasm-modules',
  setup(build) {
    build.onResolve({ filter: /^#wasm\/relaxed$/ }, () => ({ path: '../wasm/relaxed.js', external: true }));
    build.onResolve({ filter: /^#wasm\/(core|more)$/ }, ({ path }) => ({ path: path.slice(6), namespace: 'wasm' }));
    build.onLoad({ filter: /.*/, namespace: 'wasm' }, ({ path }) => ({
      contents: `export const latin1 = "${placeOf(path)}";`,
    }));
  },
};

const settings = {
  absWorkingDir: root,
  bundle: true,
  conditions: ['kerf-lazy'],
  format: 'esm',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  minify: true,
  target: 'es2022',
  legalComments: 'none',
  charset: 'utf8',
  write: false,
  metafile: true,
};
/**
 * Functions go to the front, which leaves one list of variables; moved into those that call them, they would be made, and
 * read, at every call.
 */
const squeeze = {
  module: true,
  ecma: 2022,
  compress: { passes: 3, inline: false, reduce_funcs: false, reduce_vars: false, hoist_funs: true },
};
const entry = './build/src/runtime/index.js';
const chunkFile = (path) => `runtime/${basename(path)}`;

/** Leaves out what is imported on demand, and notes the paths of it in `found`. */
const lazy = (found) => ({
  name: 'lazy',
  setup(build) {
    build.onResolve({ filter: /^\./ }, ({ path, kind, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined;
      found.add(join(resolveDir, path));
      return { path: `./${chunkFile(path)}`, external: true };
    });
  },
});

/**
 * Leaves out what the core has; `core:PATH` stands for it. With `used`, names by `core:PATH`, each is imported once, however
 * many modules of the chunk use it.
 */
const withoutCore = (core, used) => ({
  name: 'without-core',
  setup(build) {
    build.onResolve({ filter: /^[.#@]/ }, async ({ path, kind, resolveDir, pluginData }) => {
      if (kind !== 'import-statement' || pluginData === 'asked') return undefined;
      const found = await build.resolve(path, { kind, resolveDir, pluginData: 'asked' });
      const own = relative(root, found.path);
      if (!core.has(own)) return undefined;
      return used ? { path: `core:${own}`, namespace: 'core' } : { path: `core:${own}`, external: true };
    });
    build.onLoad({ filter: /.*/, namespace: 'core' }, ({ path }) => ({
      contents: `export { ${[...used.get(path)]} } from "${path}";`,
    }));
    build.onResolve({ filter: /^core:/ }, ({ path }) => ({ path, external: true }));
  },
});

async function bundle(options, ...plugins) {
  const { outputFiles, metafile } = await esbuild.build({ ...settings, ...options, plugins: [...plugins, modules] });
  // Half a kilobyte less, compressed.
  const { code } = await minify(outputFiles[0].text, squeeze);
  return { code, inputs: Object.keys(metafile.inputs) };
}

const chunkPaths = new Set();
const core = new Set((await bundle({ entryPoints: [entry] }, lazy(chunkPaths))).inputs);
const coreImport = /import\{([^}]*)\}from"(core:[^"]*)";?/g;

/** What chunks take from the core, `core:MODULE#NAME`; the core exports it as the letter of its place here. */
const taken = [];
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ$_';
function sharedName(key) {
  if (!taken.includes(key)) taken.push(key);
  if (taken.length > letters.length) throw new Error('too few letters for what chunks take from the core');
  return letters[taken.indexOf(key)];
}

/** What code imports of the core: `core:PATH` and [name, name in the code]s. */
function* coreImports(code) {
  for (const [, list, path] of code.matchAll(coreImport)) {
    yield [path, list.split(',').map((item) => item.split(' as '))];
  }
}

/** A chunk that imports from ../runtime.js what the core has. */
async function bundleChunk(path) {
  const used = new Map();
  const first = await bundle({ entryPoints: [path] }, withoutCore(core));
  for (const [module, names] of coreImports(first.code)) {
    used.set(module, new Set([...(used.get(module) ?? []), ...names.map(([name]) => name)]));
  }
  const { code } = await bundle({ entryPoints: [path] }, withoutCore(core, used));
  const imports = [...coreImports(code)].flatMap(([module, names]) =>
    names.map(([name, own = name]) => `${sharedName(`${module}#${name}`)} as ${own}`),
  );
  const rest = code.replaceAll(coreImport, '');
  if (rest.includes('core:')) throw new Error(`${path} imports all of a module of the core: import names`);
  return `import{${imports}}from"../runtime.js";${rest}`;
}

const files = new Map();
for (const path of chunkPaths) files.set(chunkFile(path), await bundleChunk(path));
const exports = taken.map((key, i) => {
  const [, path, name] = /^core:(.*)#(.*)$/.exec(key);
  return `export { ${name} as ${letters[i]} } from './${path}';`;
});
const contents = [`export * from '${entry}';`, ...exports].join('\n');
files.set('runtime.js', (await bundle({ stdin: { contents, resolveDir: root } }, lazy(new Set()))).code);

rmSync(join(root, 'build', 'runtime'), { recursive: true, force: true });
mkdirSync(join(root, 'build', 'runtime'));
for (const [name, text] of files) {
  // In front of all the code: in its midst a module would part what is alike, for gzip, which looks back 32 KiB.
  const literals = [];
  const code = text.replaceAll(/"@wasm:(\w+)@"/g, (_, module) => {
    const bytes = readFileSync(join(root, 'build', 'wasm', `${module}.wasm`)).map(
      (byte) => byte ^ (masks[module] ?? 0),
    );
    literals.push(`var $${module}=${literalOf(bytes)};`);
    return `$${module}`;
  });
  writeFileSync(join(root, 'build', name), [...literals, code].join(''));
}
