/**
 * Bundles the runtime, with its plain WASM module inside, into the one file that `kerf/runtime` is: build/runtime.js.
 * The relaxed module is loaded on demand from where it stands: build/wasm/relaxed.js.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(join(root, 'test', 'package.json'));
const esbuild = require('esbuild');

/**
 * Takes the plain module in as it is, one character a byte (base64 would hide repetitions from gzip), and leaves the
 * relaxed one where it is.
 */
const modules = {
  name: 'wasm-modules',
  setup(build) {
    build.onResolve({ filter: /^#wasm\/relaxed$/ }, () => ({ path: './wasm/relaxed.js', external: true }));
    build.onResolve({ filter: /^#wasm\/plain$/ }, ({ path }) => ({ path, namespace: 'wasm' }));
    build.onLoad({ filter: /.*/, namespace: 'wasm' }, () => {
      const text = readFileSync(join(root, 'build', 'wasm', 'plain.wasm'), 'latin1');
      return { contents: `export const latin1 = ${JSON.stringify(text)};` };
    });
  },
};

await esbuild.build({
  absWorkingDir: root,
  entryPoints: ['build/src/runtime/index.js'],
  outfile: 'build/runtime.js',
  bundle: true,
  plugins: [modules],
  format: 'esm',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  minify: true,
  target: 'es2022',
  legalComments: 'none',
  charset: 'utf8',
});
