import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { encodePackage } from '../../../src/package/kerf-writer.js';
import { packageOf } from '../../support/packages.js';
import { mlpPlan } from '../../support/plans.js';
import { root } from '../../support/run-script.js';

/** Bytes of the heap a call takes, of many calls in a new space so large that nothing is collected meanwhile. */
const program = (folder: string) => `
  import { readFileSync } from 'node:fs';
  const { InferenceSession } = await import(${JSON.stringify(pathToFileURL(join(root, 'build/src/runtime/inference-session.js')).href)});
  const { Tensor } = await import(${JSON.stringify(pathToFileURL(join(root, 'build/src/runtime/tensor.js')).href)});
  const session = await InferenceSession.create(readFileSync(${JSON.stringify(join(folder, 'net.kerf'))}));
  const feeds = { x: new Tensor('float32', new Float32Array(20).fill(0.5), [1, 20]) };
  let kept;
  const run = () => { kept = session.runSync(feeds); };
  const make = () => { kept = { y: new Tensor('float32', new Float32Array(10), [1, 10]) }; };
  const bytes = (body, warmUp, calls) => {
    for (let i = 0; i < warmUp; i++) body();
    globalThis.gc();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < calls; i++) body();
    return (process.memoryUsage().heapUsed - before) / calls;
  };
  console.log(JSON.stringify([bytes(run, 20000, 2000), bytes(make, 20000, 2000)]));`;

describe('runSync', () => {
  it('takes little of the heap beyond its outputs, once it is warm', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kerf-allocation-'));
    await writeFile(join(folder, 'net.kerf'), encodePackage(packageOf(mlpPlan())));
    // Optimised code is awaited, not compiled beside what is counted.
    const flags = [
      '--expose-gc',
      '--no-concurrent-recompilation',
      '--max-semi-space-size=64',
      '--min-semi-space-size=64',
      '--input-type=module',
      '-e',
    ];
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, program(folder)]);
    await rm(folder, { recursive: true });
    const [run, outputs] = JSON.parse(stdout);
    // Sums of times are numbers on the heap.
    assert.ok(run <= outputs + 100, `${run} bytes a run, ${outputs} for its outputs`);
  });
});
