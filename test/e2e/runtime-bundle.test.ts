/** build/runtime.js alone, as a Worker, a browser or a Lambda has it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { encodePackage } from '../../src/package/kerf-writer.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../src/runtime/wasm-executor.js';
import { packageOf } from '../support/packages.js';
import { mlpPlan } from '../support/plans.js';
import { Random } from '../support/random.js';
import { root, runScript } from '../support/run-script.js';

describe('kerf/runtime, bundled', () => {
  const bundle = join(root, 'build', 'runtime.js');
  const plan = mlpPlan();
  let folder = '';

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kerf-runtime-'));
    await copyFile(bundle, join(folder, 'runtime.mjs'));
    await writeFile(join(folder, 'net.kerf'), encodePackage(packageOf(plan)));
  });

  after(() => rm(folder, { recursive: true }));

  it('loads a package and gives the bits of the tool, with nothing else around', async () => {
    const x = new Random(7).floats(3 * 20);
    const { stdout } = await runScript(`
      import { readFileSync } from 'node:fs';
      const { InferenceSession, Tensor } = await import(${JSON.stringify(pathToFileURL(join(folder, 'runtime.mjs')).href)});
      const session = await InferenceSession.create(readFileSync(${JSON.stringify(join(folder, 'net.kerf'))}));
      const x = new Tensor('float32', Float32Array.from(${JSON.stringify([...x])}), [3, 20]);
      const { y } = await session.run({ x });
      const wrong = await session.run({}).catch((error) => error.code);
      console.log(JSON.stringify({ names: session.inputNames, dims: y.dims, bits: [...new Uint32Array(y.data.buffer)], wrong }));`);
    const expected = createWasmExecutor(plan).runSync({ x: new Tensor('float32', x, [3, 20]) }, {}).y;
    const bits = [...new Uint32Array((expected.data as Float32Array).buffer)];
    assert.deepEqual(JSON.parse(stdout), { names: ['x'], dims: [3, 10], bits, wrong: 'INPUT_MISSING' });
  });

  it('takes compiled kernels, an ArrayBuffer and a URL', async () => {
    const { stdout } = await runScript(`
      import { createServer } from 'node:http';
      import { readFileSync } from 'node:fs';
      const { InferenceSession, Tensor } = await import(${JSON.stringify(pathToFileURL(join(folder, 'runtime.mjs')).href)});
      const bytes = readFileSync(${JSON.stringify(join(folder, 'net.kerf'))});
      const server = createServer((request, response) => {
        response.statusCode = request.url === '/net.kerf' ? 200 : 404;
        response.end(bytes);
      });
      await new Promise((resolve) => server.listen(0, resolve));
      const url = 'http://127.0.0.1:' + server.address().port + '/net.kerf';
      const wasmModule = new WebAssembly.Module(readFileSync('build/wasm/plain.wasm'));
      const feeds = { x: new Tensor('float32', new Float32Array(20), [1, 20]) };
      const codes = [];
      for (const source of [url, new URL(url), new Uint8Array(bytes).buffer, url + 'x']) {
        const session = await InferenceSession.create(source, { wasmModule }).catch((error) => codes.push(error.code));
        if (session.run) codes.push((await session.run(feeds)).y.dims.join());
      }
      server.closeAllConnections();
      server.close();
      console.log(codes.join(' '));`);
    assert.equal(stdout.trim(), '1,10 1,10 1,10 IO_FAILED');
  });

  it('uses no Node API', () => {
    const text = readFileSync(bundle, 'utf8');
    assert.doesNotMatch(
      text,
      /["'`]node:|\brequire\(|\bprocess\.|\bBuffer\b|\bfrom\s*["'][\w@.#/]|\bimport\((?!"\.\/wasm\/relaxed\.js"\))/,
    );
  });

  it('is at most 40 KB compressed, kernels included', () => {
    const bytes = gzipSync(readFileSync(bundle), { level: 9 }).length;
    assert.ok(bytes <= 40 * 1024, `${bytes} bytes`);
  });
});
