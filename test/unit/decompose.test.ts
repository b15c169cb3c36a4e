import assert from 'node:assert/strict';
import { createSession } from '../../src/executors/create-session.js';
import type { Graph, Model } from '../../src/graph/graph.js';
import { encodePackage } from '../../src/package/kerf-writer.js';
import { type Decomposition, decompose, verify } from '../../src/pipeline.js';
import { createRandom } from '../oracle/random.js';
import { mlp, normalRows, plantedBlocks, randomLayer } from '../support/networks.js';

const modelOf = (graph: Graph): Model => ({ format: 'onnx', graph, unsupported: [], sha256: '0'.repeat(64) });

async function verifyOn(made: Decomposition, model: Model, seed = 5) {
  const session = createSession(made.package.plan, made.package.certificate, { executor: 'wasm' });
  try {
    return await verify(session, model, { x: normalRows(seed, 400, model.graph.inputs[0].shape[1] as number) });
  } finally {
    await session.release();
  }
}

describe('decompose', () => {
  const blocks = modelOf(plantedBlocks(1, [64, 96, 48, 24], 4));

  it('holds demanded parts that are there, bit for bit, and prints the fields of the contract', async () => {
    const made = await decompose(blocks, { parts: 4 });
    const { summary } = made;
    assert.deepEqual(Object.keys(summary), ['parts', 'bus', 'parameters', 'macs', 'certificate', 'layers']);
    assert.equal(summary.parts.filter(({ macs }) => macs > 0).length, 4);
    assert.deepEqual(summary.bus, { r: 0, macs: 0 });
    assert.equal(summary.macs.after, summary.macs.before / 4);
    assert.deepEqual(
      summary.layers.map(({ name, choice, k }) => [name, choice, k]),
      [
        ['fc1.weight', 'trim', 4],
        ['fc2.weight', 'trim', 4],
        ['fc3.weight', 'trim', 4],
      ],
    );
    assert.equal(
      summary.layers.reduce((sum, { after }) => sum + after, 0),
      summary.parameters.after,
    );
    assert.equal(summary.certificate.level, 'A');
    const result = await verifyOn(made, blocks);
    assert.deepEqual(result, { n: 400, seen: 0, rows: 400, outside: 0, maxAbs: 0, rel: 0, agreement: 1, passed: true });
  });

  it('fails where the demanded parts cannot be held, and takes what there is where they are not', async () => {
    const dense = modelOf(mlp([randomLayer(createRandom(2), 9, 8, () => true)]));
    await assert.rejects(decompose(dense, { parts: 2 }), {
      code: 'GUARD_FAILED',
      exitCode: 4,
      details: { got: 1, expected: 2 },
    });
    const { summary } = await decompose(dense);
    assert.deepEqual([summary.parts.length, summary.layers[0].choice], [1, 'dense']);
  });

  it('counts clusters of guard items, and refuses too few of them', async () => {
    const guard = { x: normalRows(7, 700, 64) };
    const groupsOf = (n: number) => Array.from({ length: 700 }, (_, i) => i % n);
    const { certificate } = (await decompose(blocks, { guard, groups: groupsOf(650) })).summary;
    assert.deepEqual([certificate.n, certificate.rows], [650, 700]);
    await assert.rejects(decompose(blocks, { guard, groups: groupsOf(500) }), {
      code: 'GUARD_TOO_SMALL',
      details: { got: 500, needed: 598 },
    });
    await assert.rejects(decompose(blocks, { guard, groups: [1, 2] }), {
      code: 'DATA_INVALID',
      details: { got: 2, expected: 700 },
    });
  });

  it('counts how often a guard was used before for other choices, and says so', async () => {
    const guard = { x: normalRows(7, 700, 64) };
    const first = await decompose(blocks, { guard });
    const usesOf = async (options: object, earlier: Decomposition) =>
      (await decompose(blocks, { guard, ...options, earlier: earlier.package })).summary.certificate.earlierUses;
    assert.equal(first.summary.certificate.earlierUses, 0);
    assert.equal(await usesOf({}, first), 0);
    assert.equal(await usesOf({ seed: 4 }, first), 1);
    const second = await decompose(blocks, { guard, seed: 4, earlier: first.package });
    assert.match(second.summary.certificate.statement, /used before, 1 time:/);
    assert.equal(await usesOf({ seed: 5 }, second), 2);
    assert.equal(await usesOf({ guard: { x: normalRows(8, 700, 64) } }, first), 0);
  });

  it('gives the same bytes for the same input, and other source entries for other options', async () => {
    const options = { guard: { x: normalRows(7, 700, 64) }, seed: 3 };
    const bytes = async () => encodePackage((await decompose(blocks, options)).package);
    assert.deepEqual(await bytes(), await bytes());
    const { source } = (await decompose(blocks, options)).package;
    assert.equal(source.seed, 3);
    assert.match(String(source.options.guard), /^[0-9a-f]{64}$/);
  });

  it('does not verify against another model, at level A by bits, at level C by the lower bound', async () => {
    const made = await decompose(blocks);
    const other = modelOf(plantedBlocks(9, [64, 96, 48, 24], 4));
    assert.equal((await verifyOn(made, other)).passed, false);
    const certificate = { ...made.package.certificate!, level: 'C' as const, bound: 0.05 };
    const claimed = { ...made, package: { ...made.package, certificate } };
    assert.equal((await verifyOn(claimed, blocks)).passed, true);
    const { passed, seen } = await verifyOn(claimed, other);
    assert.ok(seen > 100 && !passed);
  });

  it('stops when the caller cancels, and refuses data that do not fit', async () => {
    await assert.rejects(decompose(blocks, { signal: AbortSignal.abort() }), { code: 'ABORTED' });
    await assert.rejects(decompose(blocks, { guard: { y: normalRows(1, 700, 64) } }), { code: 'INPUT_MISSING' });
    const made = await decompose(blocks);
    const session = createSession(made.package.plan, made.package.certificate, { executor: 'wasm' });
    await assert.rejects(verify(session, blocks, { x: normalRows(1, 0, 64) }), { code: 'DATA_INVALID' });
    await session.release();
  });
});
