/** Bundles the runtime, with its WASM module inside, into the one file that `kerf/runtime` is: build/runtime.js. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(join(root, 'test', 'package.json'));
const esbuild = require('esbuild');

await esbuild.build({
  absWorkingDir: root,
  entryPoints: ['build/src/runtime/index.js'],
  outfile: 'build/runtime.js',
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  minify: true,
  target: 'es2022',
  legalComments: 'none',
});
