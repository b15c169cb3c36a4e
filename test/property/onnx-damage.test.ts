/** Damaged model files: every one is read, or refused by a KerfError, quickly. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { readOnnx } from '../../src/model/index.js';
import { KerfError } from '../../src/runtime/errors.js';
import { model, node, smallGraph, value } from '../unit/model/build-model.js';

/** A file with most message kinds in it: subgraph, attributes of all types, unnamed dimensions. */
function richModel(): Uint8Array {
  const graph = smallGraph();
  const branch = { name: 'branch', output: [value('t', [2])], node: [node('Neg', ['h'], ['t'])] };
  graph.input!.push(value('u', [null, 4], 7));
  graph.node![1].attribute = [
    { name: 'g', type: 5, g: branch },
    { name: 'floats', type: 6, floats: new Float32Array([1, 2]) },
    { name: 'ints', type: 7, ints: new BigInt64Array([1n, -1n]) },
    { name: 'text', type: 3, s: new TextEncoder().encode('abc') },
    { name: 'tensor', type: 4, t: graph.initializer![0] },
  ];
  return model(graph);
}

/** @returns whether the bytes were refused */
function readOrRefuse(bytes: Uint8Array): boolean {
  try {
    readOnnx(bytes);
    return false;
  } catch (error) {
    assert(error instanceof KerfError, `not a KerfError: ${(error as Error).stack}`);
    return true;
  }
}

describe('damaged ONNX files', () => {
  it('are refused when cut anywhere inside the graph', () => {
    const bytes = richModel();
    for (let length = 0; length < bytes.length - 8; length++) {
      assert(readOrRefuse(bytes.subarray(0, length)), `cut at ${length} was read`);
    }
    const digits = readFileSync('test/golden/digits/digits.onnx');
    for (let i = 0; i < 100; i++) assert(readOrRefuse(digits.subarray(0, Math.floor((i * digits.length) / 101))));
  });

  it('never crash, hang or allocate wildly when bytes are changed', () => {
    const bytes = richModel();
    const edit = fc.tuple(fc.nat(bytes.length - 1), fc.oneof(fc.nat(255), fc.constantFrom(0, 0x7f, 0x80, 0xff)));
    let refused = 0;
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 6 }), (edits) => {
        const damaged = bytes.slice();
        for (const [at, byte] of edits) damaged[at] = byte;
        if (readOrRefuse(damaged)) refused++;
      }),
      { numRuns: 3000 },
    );
    assert(refused > 1000, `only ${refused} of 3000 were refused`);
  });

  it('never crash when pieces are moved, doubled or random', () => {
    const bytes = richModel();
    const position = fc.nat(bytes.length);
    fc.assert(
      fc.property(position, position, position, fc.uint8Array({ maxLength: 20 }), (a, b, c, noise) => {
        const parts = [bytes.subarray(0, a), noise, bytes.subarray(Math.min(b, c), Math.max(b, c)), bytes.subarray(a)];
        readOrRefuse(Uint8Array.from(Buffer.concat(parts)));
        readOrRefuse(noise);
      }),
      { numRuns: 1000 },
    );
  });

  it('do not make the reader slow by repeating one name', () => {
    const graph = smallGraph();
    const many = Array.from({ length: 20_000 }, (_, i) => ({ ...node('Neg', ['x'], [`n${i}`]), name: 'same' }));
    graph.node!.push(...many);
    graph.input!.push(...Array.from({ length: 5000 }, (_, i) => value(`i${i}`, [null, `i${i}_dim0`])));
    const start = performance.now();
    const names = readOnnx(model(graph)).graph.nodes.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert(performance.now() - start < 3000, 'reading 20,000 nodes of one name took over 3 s');
  });

  it('include no golden file', () => {
    for (const name of readdirSync('test/golden/digits').filter((file) => file.endsWith('.onnx'))) {
      assert(!readOrRefuse(readFileSync(`test/golden/digits/${name}`)), name);
    }
  });
});
