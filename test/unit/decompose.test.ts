import assert from 'node:assert/strict';
import { createSession } from '../../src/executors/create-session.js';
import { fixSizes } from '../../src/graph/fix-sizes.js';
import type { Graph, Model, Node, Port } from '../../src/graph/graph.js';
import { encodePackage } from '../../src/package/kerf-writer.js';
import { type Decomposition, decompose, verify } from '../../src/pipeline.js';
import { symbol } from '../../src/runtime/extent.js';
import { plainKernels } from '../../src/runtime/plain-kernels.js';
import { type DType, Tensor } from '../../src/runtime/tensor.js';
import { createRandom } from '../oracle/random.js';
import { withCode } from '../support/codes.js';
import { graphOf, node as operator, port } from '../support/graph.js';
import { mlp, node, normalRows, plantedBlocks, randomLayer } from '../support/networks.js';

const modelOf = (graph: Graph): Model => ({ format: 'onnx', graph, unsupported: [], sha256: '0'.repeat(64) });

async function verifyOn(made: Decomposition, model: Model, seed = 5) {
  const session = createSession(made.package.plan, made.package.certificate, { executor: 'wasm' });
  try {
    return await verify(session, model, { x: normalRows(seed, 400, model.graph.inputs[0].shape[1] as number) });
  } finally {
    await session.release();
  }
}

const dense = [1, 2].map((seed) =>
  randomLayer(createRandom(seed), seed === 1 ? 48 : 6, seed === 1 ? 64 : 48, () => true),
);

/** The graph behind a last node that makes its output `y` anew. */
function withLast(graph: Graph, op: string, output: string, dtype: DType, attributes: Node['attributes']): Graph {
  const nodes = graph.nodes.map((one) => ({ ...one, outputs: one.outputs.map((name) => (name === 'y' ? 'h' : name)) }));
  const last = { ...node('last', op, ['h'], output), attributes };
  return { ...graph, nodes: [...nodes, last], outputs: [{ ...graph.outputs[0], name: output, dtype }] };
}

describe('decompose', () => {
  const blocks = modelOf(plantedBlocks(1, [64, 96, 48, 24], 4));

  it('holds demanded parts that are there, bit for bit, and prints the fields of the contract', async () => {
    const made = await decompose(blocks, { parts: 4 });
    const { summary } = made;
    assert.deepEqual(Object.keys(summary), [
      'parts',
      'bus',
      'parameters',
      'macs',
      'certificate',
      'layers',
      'sizes',
      'weights',
    ]);
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

  it('stores weights in fewer bytes under the guard, parts as they are, and packs what the guard judged', async () => {
    const [calibration, guard] = [1, 2].map((seed) => ({ x: normalRows(seed, 700, 64) }));
    const data = { calibration, guard, decision: 'error:0.05', parts: 4 };
    const sizes = new Map<string, number>();
    for (const weights of ['f32', 'f16', 'int8'] as const) {
      const made = await decompose(blocks, { ...data, weights });
      const { summary } = made;
      const [level, exact] = weights === 'f32' ? ['A', true] : ['C', false];
      assert.deepEqual([summary.certificate.level, summary.certificate.weights], [level, weights]);
      assert.equal(summary.certificate.statement.includes(`stored as ${weights}`), !exact);
      assert.equal(summary.certificate.stages[0]?.name, exact ? undefined : `${weights} weights`);
      assert.equal(summary.certificate.seen, 0);
      assert.equal(summary.parts.filter(({ macs }) => macs > 0).length, 4);
      assert.equal(summary.parameters.after, summary.parameters.stored);
      const plan = made.package.plan;
      const bytes = plan.weights.reduce((sum, { data: { byteLength } }) => sum + byteLength, 0);
      assert.equal(summary.weights.bytes.after, bytes);
      assert.deepEqual(
        summary.weights.layers,
        {
          f32: { int8: 0, float16: 0, float32: 12 },
          f16: { int8: 0, float16: 12, float32: 0 },
          int8: { int8: 12, float16: 0, float32: 0 },
        }[weights],
      );
      const panels = plan.weights.filter(({ layout }) => layout !== 'plain');
      sizes.set(
        weights,
        panels.reduce((sum, { data: { byteLength } }) => sum + byteLength, 0),
      );
      // The rows of the guard give the very outputs that were judged: the same error again.
      const session = createSession(plan, made.package.certificate, {
        executor: 'wasm',
        kernels: { own: plainKernels() },
      });
      const { rel } = await verify(session, blocks, guard!);
      assert.equal(rel, summary.certificate.rel);
      assert.equal(rel === 0, exact);
      await session.release();
    }
    assert.equal(sizes.get('f16'), sizes.get('f32')! / 2);
    assert.ok(sizes.get('int8')! < 0.45 * sizes.get('f32')!, `${sizes.get('int8')} of ${sizes.get('f32')}`);
  });

  it('fails where demanded weights cannot be held, and stores them unproved without data', async () => {
    const [calibration, guard] = [1, 2].map((seed) => ({ x: normalRows(seed, 700, 64) }));
    await assert.rejects(decompose(blocks, { calibration, guard, decision: 'error:0.0001', weights: 'int8' }), {
      code: 'GUARD_FAILED',
      exitCode: 4,
      message: /--weights: int8 weights cannot be held: got 700 of 700 guard items differ/,
    });
    await assert.rejects(decompose(blocks, { calibration, guard, exact: true, weights: 'f16' }), {
      code: 'OPTION_INVALID',
      message: /--weights.*--exact/,
    });
    const { certificate, weights } = (await decompose(blocks, { weights: 'int8' })).summary;
    assert.deepEqual([certificate.level, certificate.bound, weights.layers.float32], ['none', null, 0]);
    const dull = modelOf(mlp([randomLayer(createRandom(2), 2, 8, (i) => i === 0)]));
    const never = { calibration: { x: normalRows(1, 700, 8) }, guard: { x: normalRows(2, 700, 8).reshape([700, 8]) } };
    dull.graph.initializers.get('fc1.bias')?.data.set([100, 0] as never);
    await assert.rejects(decompose(dull, { ...never, decision: 'argmax', weights: 'f16' }), {
      code: 'GUARD_FAILED',
      message: /--weights.*a guard that proves nothing/,
    });
  });

  it('judges what rounds by the promise, columns outside the support too, and refuses to round nothing', async () => {
    const narrow = (seed: number) => {
      const x = normalRows(seed, 2000, 64);
      return {
        x: new Tensor(
          'float32',
          (x.data as Float32Array).map((v, i) => (i % 64 < 48 ? v : 0)),
          x.dims,
        ),
      };
    };
    const model = modelOf(mlp(dense));
    const data = { calibration: narrow(1), guard: narrow(2), decision: 'argmax', maxDisagreement: 0.1 };
    const { certificate, macs } = (await decompose(model, { ...data, cascade: 'auto', weights: 'int8' })).summary;
    const unlit = certificate.stages.find(({ name }) => name === 'columns outside the support')!;
    assert.ok(unlit.seen > 0 && unlit.passed, `${unlit.seen} differ`);
    assert.ok(certificate.stages.length > 2 && macs.after < macs.before);
    const turned = ({ name, shape }: Port): Port => ({ name, dtype: 'float64', shape });
    const { inputs, outputs, nodes, initializers } = mlp(dense.slice(1));
    const wide = [...initializers].map(([name, { data: from, dims }]) => {
      return [name, new Tensor('float64', Float64Array.from(from as Float32Array), dims)] as const;
    });
    const gemm = nodes.map((one) => ({ ...one, op: 'Gemm', domain: '', attributes: new Map([['transB', 1]]) }));
    const doubles = modelOf({
      ...mlp(dense.slice(1)),
      inputs: inputs.map(turned),
      outputs: outputs.map(turned),
      nodes: gemm,
      initializers: new Map(wide),
    });
    await assert.rejects(decompose(doubles, { weights: 'f16' }), {
      code: 'GUARD_FAILED',
      message: /f16 weights cannot be held: got no linear layer of float32 weights/,
    });
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

  it('does not verify against a model of other outputs', async () => {
    const made = await decompose(blocks);
    const renamed = withLast(blocks.graph, 'Identity', 'logits', 'float32', new Map());
    const sentence = withCode('OUTPUT_UNKNOWN', 'package', 'got y, expected logits');
    await assert.rejects(verifyOn(made, modelOf(renamed)), sentence);
    const narrow = modelOf(mlp([randomLayer(createRandom(3), 5, 64, () => true)]));
    await assert.rejects(
      verifyOn(made, narrow),
      withCode('SHAPE_MISMATCH', 'output "y"', 'got [400,24], expected [400,5]'),
    );
    const integers = withLast(blocks.graph, 'Cast', 'y', 'int32', new Map([['to', 6]]));
    await assert.rejects(verifyOn(made, modelOf(integers)), withCode('DTYPE_MISMATCH', 'got float32, expected int32'));
  });

  it('stops when the caller cancels, and refuses data that do not fit', async () => {
    await assert.rejects(decompose(blocks, { signal: AbortSignal.abort() }), { code: 'ABORTED' });
    await assert.rejects(decompose(blocks, { guard: { y: normalRows(1, 700, 64) } }), { code: 'INPUT_MISSING' });
    const made = await decompose(blocks);
    const session = createSession(made.package.plan, made.package.certificate, { executor: 'wasm' });
    await assert.rejects(verify(session, blocks, { x: normalRows(1, 0, 64) }), { code: 'DATA_INVALID' });
    await session.release();
  });

  it('fixes sizes that the model leaves open where no plan for all of them exists', async () => {
    const random = createRandom(7);
    const values = (...dims: number[]) => {
      const size = dims.reduce((product, dim) => product * dim);
      return new Tensor('float32', Float32Array.from({ length: size }, random.normal), dims);
    };
    const image = modelOf(
      graphOf({
        inputs: [port('x', ['n', 2, 'h', 'w'])],
        outputs: ['y'],
        nodes: [
          operator('Conv', ['x', 'K'], 'c'),
          operator('Relu', ['c'], 'r'),
          operator('GlobalAveragePool', ['r'], 'p'),
          operator('Flatten', ['p'], 'f'),
          operator('Gemm', ['f', 'W'], 'y'),
        ],
        constants: { K: values(6, 2, 3, 3), W: values(6, 4) },
      }),
    );
    await assert.rejects(decompose(image), withCode('SHAPE_UNSUPPORTED', '[h, w]', '--sizes'));
    const x = values(150, 2, 5, 6);
    const { summary, package: made } = await decompose(image, { calibration: { x }, maxDisagreement: 0.2 });
    assert.deepEqual(summary.sizes, { h: 5, w: 6 });
    assert.deepEqual(made.plan.inputs[0].shape, [symbol('n'), 2, 5, 6]);
    const session = createSession(made.plan, made.certificate, { executor: 'wasm' });
    assert.ok((await verify(session, image, { x: values(90, 2, 5, 6) })).passed);
    await assert.rejects(session.run({ x: values(1, 2, 6, 6) }), withCode('SHAPE_MISMATCH'));
    await session.release();
    const fixed = await decompose(fixSizes(image, { h: 4, w: 9 }));
    assert.deepEqual(fixed.summary.sizes, {});
    assert.deepEqual(fixed.package.plan.inputs[0].shape, [symbol('n'), 2, 4, 9]);
    assert.throws(() => fixSizes(image, { z: 4 }), withCode('OPTION_INVALID', 'n, h, w'));
    assert.throws(() => fixSizes(image, { h: 0 }), withCode('OPTION_INVALID', 'got 0'));
  });

  it('packs a network whose outputs are constants', async () => {
    const constant = graphOf({
      inputs: [port('x', ['n', 3])],
      outputs: ['y'],
      nodes: [operator('Shape', ['c'], 'y')],
      constants: { c: new Tensor('float32', new Float32Array(6), [2, 3]) },
    });
    const { package: made } = await decompose(modelOf(constant), { exact: true });
    const session = createSession(made.plan, null, { executor: 'wasm' });
    const { y } = await session.run({ x: new Tensor('float32', new Float32Array(3), [1, 3]) });
    assert.deepEqual([...y.data], [2n, 3n]);
    await session.release();
  });

  it('ends soon when the caller cancels in the middle of tuning', async () => {
    const [calibration, guard] = [11, 12].map((seed) => ({ x: normalRows(seed, 700, 64) }));
    const [aborter, net] = [new AbortController(), modelOf(mlp(dense))];
    setTimeout(() => aborter.abort(), 50);
    // Without a turn of the event loop no timer would fire before the first look at rows set aside.
    const options = { calibration, guard, maxDisagreement: 0.3, tune: 1e6, signal: aborter.signal };
    await assert.rejects(decompose(net, options), { code: 'ABORTED' });
  });
});
