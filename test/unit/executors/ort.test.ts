import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOrtExecutor } from '../../../src/executors/ort.js';
import { InferenceSession } from '../../../src/runtime/inference-session.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { withCode } from '../../support/codes.js';
import { root } from '../../support/run-script.js';

describe('ort executor', () => {
  it('says how to get onnxruntime-node where it is missing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kerf-ort-'));
    const create = () => createOrtExecutor(new Uint8Array(0), { resolveFrom: join(folder, 'package.json') });
    assert.throws(create, withCode('EXECUTOR_MISSING', 'npm install onnxruntime-node'));
    rmSync(folder, { recursive: true });
  });

  it('runs a model in a worker, where onnxruntime-node is installed for the benchmarks', async function () {
    const resolveFrom = join(root, 'bench', 'package.json');
    // Without `npm run bench` its packages are not there, and they are too large to install for one test.
    if (!existsSync(join(root, 'bench', 'node_modules', 'onnxruntime-node'))) this.skip();
    const model = readFileSync(join(root, 'test', 'golden', 'digits', 'digits.onnx'));
    const executor = createOrtExecutor(model, { resolveFrom, threads: 1 });
    const ports = {
      inputs: [{ name: 'x', dtype: 'float32', shape: [[[1, 'batch']], 784], buffer: 0 }],
      outputs: [{ name: 'y', dtype: 'float32', shape: [[[1, 'batch']], 10], buffer: 0 }],
    } as const;
    const session = InferenceSession.fromExecutor(ports, executor);
    assert.equal(session.stats().provider, 'onnxruntime-node');
    const x = new Tensor('float32', new Float32Array(2 * 784), [2, 784]);
    await session.warm();
    const [y] = Object.values(await session.run({ x }));
    assert.deepEqual(y.dims, [2, 10]);
    assert.ok(y instanceof Tensor);
    await assert.rejects(session.run({ x }, { timeoutMs: -1 }), withCode('OPTION_INVALID', 'timeoutMs'));
    await assert.rejects(session.run({ x }, { timeoutMs: 1e-9 }), withCode('TIMEOUT'));
    const many = new Tensor('float32', new Float32Array(20_000 * 784), [20_000, 784]);
    await assert.rejects(session.run({ x: many }, { timeoutMs: 1 }), withCode('TIMEOUT'));
    assert.throws(() => session.runSync({ x }), withCode('SYNC_UNSUPPORTED'));
    await session.release();
  });

  it('reports a model that onnxruntime refuses', async function () {
    const resolveFrom = join(root, 'bench', 'package.json');
    // As above.
    if (!existsSync(join(root, 'bench', 'node_modules', 'onnxruntime-node'))) this.skip();
    const executor = createOrtExecutor(Uint8Array.of(1, 2, 3), { resolveFrom });
    await assert.rejects(executor.run({}, {}), withCode('WORKER_FAILED', 'onnxruntime'));
    await executor.release();
  });
});
