/**
 * Bundles the runtime, with its plain WASM module inside, into the one file that `kerf/runtime` is: build/runtime.js.
 * The relaxed module is loaded on demand from where it stands: build/wasm/relaxed.js.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(join(root, 'test', 'package.json'));
const esbuild = require('esbuild');

/** Leaves the relaxed module where it is. */
const onDemand = {
  name: 'on-demand',
  setup(build) {
    build.onResolve({ filter: /^#wasm\/relaxed$/ }, () => ({ path: './wasm/relaxed.js', external: true }));
  },
};

await esbuild.build({
  absWorkingDir: root,
  entryPoints: ['build/src/runtime/index.js'],
  outfile: 'build/runtime.js',
  bundle: true,
  plugins: [onDemand],
  format: 'esm',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  minify: true,
  target: 'es2022',
  legalComments: 'none',
  charset: 'utf8',
});
