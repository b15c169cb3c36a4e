/** build/runtime.js and its chunks, as a Worker, a browser or a Lambda has them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { canonicalise } from '../../src/graph/canonicalise.js';
import { loadModel } from '../../src/model/index.js';
import { encodePackage } from '../../src/package/kerf-writer.js';
import { buildPlan } from '../../src/plan/build-plan.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../src/runtime/wasm-executor.js';
import { cascadeOf, compressedPlan } from '../support/cascades.js';
import { packageOf } from '../support/packages.js';
import { mlpPlan } from '../support/plans.js';
import { Random } from '../support/random.js';
import { randomPlan } from '../support/random-plan.js';
import { root, runScript } from '../support/run-script.js';

describe('kerf/runtime, bundled', () => {
  const bundle = join(root, 'build', 'runtime.js');
  const chunks = join(root, 'build', 'runtime');
  /** The core, then the chunks. */
  const files = () => [bundle, ...readdirSync(chunks).map((name) => join(chunks, name))];
  const gzipBytes = (path: string) => gzipSync(readFileSync(path), { level: 9 }).length;
  const plan = mlpPlan();
  let folder = '';

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kerf-runtime-'));
    await cp(bundle, join(folder, 'runtime.js'));
    await cp(chunks, join(folder, 'runtime'), { recursive: true });
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'net.kerf'), encodePackage(packageOf(plan)));
  });

  after(() => rm(folder, { recursive: true }));

  it('loads a package and gives the bits of the tool, with nothing else around', async () => {
    const x = new Random(7).floats(3 * 20);
    const { stdout } = await runScript(`
      import { readFileSync } from 'node:fs';
      const { InferenceSession, Tensor } = await import(${JSON.stringify(pathToFileURL(join(folder, 'runtime.js')).href)});
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
      const { InferenceSession, Tensor } = await import(${JSON.stringify(pathToFileURL(join(folder, 'runtime.js')).href)});
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

  /** Runs `source` in the folder, which may import ./runtime.js, and parses what it prints. */
  const runHere = async (source: string): Promise<unknown> => {
    await writeFile(join(folder, 'test.js'), source);
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'test.js')]);
    return JSON.parse(stdout);
  };

  it('loads the other steps, cascades and the choice of kernels when a package or an option needs them', async () => {
    const random = new Random(3);
    const plans = [0, 1, 2, 3].map((seed) => randomPlan(new Random(seed)));
    const inputs = plans.map(({ inputs: [{ shape }] }) => random.floats(3 * (shape[1] as number)));
    for (const [i, one] of plans.entries()) {
      await writeFile(join(folder, `${i}.kerf`), encodePackage(packageOf(one)));
    }
    await writeFile(
      join(folder, 'cascade.kerf'),
      encodePackage({ ...packageOf(compressedPlan()), cascade: cascadeOf() }),
    );
    const result = (await runHere(`
      import { readFileSync } from 'node:fs';
      import { InferenceSession, Tensor } from './runtime.js';
      const open = (name, options) => InferenceSession.create(readFileSync(new URL(name, import.meta.url)), options);
      const bits = [];
      for (const [i, data] of ${JSON.stringify(inputs.map((x) => [...x]))}.entries()) {
        const session = await open(i + '.kerf');
        const x = new Tensor('float32', Float32Array.from(data), [3, data.length / 3]);
        const outputs = await session.run({ [session.inputNames[0]]: x });
        bits.push(Object.values(outputs).map(({ data }) => [...new Uint32Array(data.buffer)]));
      }
      const cascade = await open('cascade.kerf', { onWarning() {} });
      const { y } = cascade.runSync({ x: new Tensor('float32', new Float32Array(60).fill(0.1), [3, 20]) });
      const auto = await open('net.kerf', { kernels: 'auto' });
      const choice = await open('net.kerf', { kernels: 'fast' }).catch((error) => error.code);
      const unknown = readFileSync(new URL('net.kerf', import.meta.url));
      unknown.write('tfos', unknown.indexOf('soft'));
      const kind = await InferenceSession.create(unknown).catch((error) => error.code);
      console.log(JSON.stringify({ bits, dims: y.dims, names: auto.inputNames, choice, kind }));`)) as object;
    const bits = plans.map((one, i) => {
      const { name, shape } = one.inputs[0];
      const feeds = { [name]: new Tensor('float32', inputs[i], [3, shape[1] as number]) };
      const outputs = createWasmExecutor(one).runSync(feeds, {});
      return Object.values(outputs).map(({ data }) => [...new Uint32Array(data.buffer)]);
    });
    assert.deepEqual(result, { bits, dims: [3, 10], names: ['x'], choice: 'OPTION_INVALID', kind: 'PACKAGE_VERSION' });
  });

  it('runs an encoder, whose kernels share a memory with those of the core, to the bits of the tool', async () => {
    const { graph } = await loadModel(join(root, 'test', 'golden', 'encoder', 'opset-17.onnx'));
    const encoder = buildPlan(canonicalise(graph));
    await writeFile(join(folder, 'encoder.kerf'), encodePackage(packageOf(encoder)));
    const [x, mask] = [new Random(5).floats(2 * 7 * 16), new Float32Array(2 * 7).fill(-1e4, 4, 7)];
    const bits = await runHere(`
      import { readFileSync } from 'node:fs';
      import { InferenceSession, Tensor } from './runtime.js';
      const session = await InferenceSession.create(readFileSync(new URL('encoder.kerf', import.meta.url)));
      const tensor = (data, ...dims) => new Tensor('float32', Float32Array.from(data), dims);
      const feeds = { x: tensor(${JSON.stringify([...x])}, 2, 7, 16), mask: tensor(${JSON.stringify([...mask])}, 2, 1, 1, 7) };
      const { y } = session.runSync(feeds);
      console.log(JSON.stringify([...new Uint32Array(y.data.buffer)]));`);
    const feeds = { x: new Tensor('float32', x, [2, 7, 16]), mask: new Tensor('float32', mask, [2, 1, 1, 7]) };
    const expected = createWasmExecutor(encoder).runSync(feeds, {}).y.data as Float32Array;
    assert.deepEqual(bits, [...new Uint32Array(expected.buffer)]);
    assert.ok(expected.every(Number.isFinite));
  });

  it('loads no chunk for a linear package', async () => {
    await rm(join(folder, 'runtime'), { recursive: true });
    const result = await runHere(`
      import { readFileSync } from 'node:fs';
      import { InferenceSession, Tensor } from './runtime.js';
      const session = await InferenceSession.create(readFileSync(new URL('net.kerf', import.meta.url)));
      const { y } = session.runSync({ x: new Tensor('float32', new Float32Array(20), [1, 20]) });
      console.log(JSON.stringify(y.dims));`);
    assert.deepEqual(result, [1, 10]);
  });

  it('uses no Node API, but Buffer where there is one', () => {
    for (const path of files()) {
      assert.doesNotMatch(
        readFileSync(path, 'utf8').replace(/\{Buffer:\w+\}=globalThis/, ''),
        /["'`]node:|\brequire\(|\bprocess\.|\bBuffer\b|\bfrom\s*["'](?!\.\.\/runtime\.js)[\w@.#/]|\bimport\((?!"\.\.?\/(runtime|wasm)\/[\w-]+\.js"\))/,
      );
    }
  });

  it('has a core of at most 22 KB compressed, and is at most 40,000 bytes with all chunks', () => {
    const [core, ...others] = files().map(gzipBytes);
    assert.ok(core <= 22 * 1024, `${core} bytes`);
    const whole = others.reduce((sum, bytes) => sum + bytes, core);
    assert.ok(whole <= 40000, `${whole} bytes`);
  });
});
