/** Values named like members that every object has. */
import assert from 'node:assert/strict';
import { createSession } from '../../src/executors/create-session.js';
import { decompose } from '../../src/pipeline.js';
import type { KerfError } from '../../src/runtime/errors.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { graphOf, node, port, ramp } from './../support/graph.js';
import { normalRows } from '../support/networks.js';

const graph = graphOf({
  inputs: [port('__proto__', ['constructor', 20])],
  outputs: ['__proto__y', 'valueOf'],
  nodes: [
    node('Gemm', ['__proto__', 'toString'], 'hasOwnProperty'),
    node('Relu', ['hasOwnProperty'], 'isPrototypeOf'),
    node('Gemm', ['isPrototypeOf', 'w2'], 'valueOf'),
    node('Identity', ['valueOf'], '__proto__y'),
  ],
  constants: { toString: ramp(20, 24), w2: ramp(24, 3) },
});
const model = { graph, format: 'onnx', sha256: '' } as never;
const feed = (x: Tensor) => Object.fromEntries([['__proto__', x]]);

describe('values named like members of every object', () => {
  it('are decomposed, and run: alone and queued', async () => {
    const { package: made } = await decompose(model, { calibration: feed(normalRows(1, 1000, 20)) });
    const session = createSession(made.plan, null, { executor: 'wasm' });
    const rows = feed(normalRows(2, 3, 20));
    const all = await Promise.all([session.run(rows), session.run(rows)]);
    for (const outputs of all) assert.deepEqual(Object.keys(outputs).sort(), ['__proto__y', 'valueOf']);
    await session.release();
  });

  it('may be outputs', async () => {
    const nodes = [node('Relu', ['constructor'], '__proto__')];
    const own = graphOf({ inputs: [port('constructor', [2])], outputs: ['__proto__'], nodes });
    const { package: made } = await decompose({ graph: own, format: 'onnx', sha256: '' } as never);
    const session = createSession(made.plan, null, { executor: 'wasm' });
    const outputs = await session.run({ constructor: new Tensor('float32', Float32Array.of(-1, 2), [2]) } as never);
    assert.deepEqual([...(Object.entries(outputs)[0][1].data as Float32Array)], [0, 2]);
    await session.release();
  });

  it('are missing where only the prototype has them', async () => {
    const own = graphOf({
      inputs: [port('constructor', ['n', 2])],
      outputs: ['y'],
      nodes: [node('Relu', ['constructor'], 'y')],
    });
    const calibration = { other: normalRows(1, 700, 2) };
    const failing = decompose({ graph: own, format: 'onnx', sha256: '' } as never, { calibration });
    await assert.rejects(failing, (error: KerfError) => error.code === 'INPUT_MISSING');
  });
});
