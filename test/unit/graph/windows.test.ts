/** Convolution and pooling: how they are lowered, and what they refuse. The conformance cases show their values. */
import assert from 'node:assert/strict';
import type { Attribute } from '../../../src/graph/graph.js';
import { inferFacts } from '../../../src/graph/infer.js';
import { findOperator } from '../../../src/graph/operators/index.js';
import { buildPlan } from '../../../src/plan/index.js';
import { KerfError } from '../../../src/runtime/errors.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../../src/runtime/wasm-executor.js';
import { graphOf, node, port, ramp } from '../../support/graph.js';

/** Variances. */
const positive = (size: number) => new Tensor('float32', new Float32Array(size).fill(0.75), [size]);

type Attributes = Readonly<Record<string, Attribute>>;

function windowGraph(op: string, dims: readonly (number | string)[], weights?: Tensor, attributes: Attributes = {}) {
  const constants: Record<string, Tensor> = weights ? { W: weights } : {};
  const nodes = [node(op, weights ? ['x', 'W'] : ['x'], 'y', attributes)];
  return graphOf({ inputs: [port('x', dims)], outputs: ['y'], nodes, constants });
}

function refused(code: string, pattern: RegExp, ...args: Parameters<typeof windowGraph>): void {
  assert.throws(
    () => inferFacts(windowGraph(...args)),
    (error: unknown) => error instanceof KerfError && error.code === code && pattern.test(error.message),
  );
}

const kinds = (...args: Parameters<typeof windowGraph>) =>
  buildPlan(windowGraph(...args)).steps.map(({ kind }) => kind);

describe('windows', () => {
  it('give what the reference gives where a transposed convolution of one tap gets more rows or columns', () => {
    const [x, W] = [ramp(2, 2, 3, 4), ramp(2, 3, 1, 1)];
    for (const [strides, padding] of [
      [
        [1, 1],
        [0, 1],
      ],
      [
        [2, 3],
        [1, 2],
      ],
      [
        [1, 2],
        [0, 0],
      ],
    ]) {
      const attributes = { strides, dilations: [2, 2], output_padding: padding };
      const graph = windowGraph('ConvTranspose', x.dims, W, attributes);
      const [expected] = findOperator(graph.nodes[0], 17)!.evaluate(graph.nodes[0], [x, W], 17);
      const executor = createWasmExecutor(buildPlan(graph), {});
      const { y } = executor.runSync({ x }, {});
      assert.deepEqual([y.dims, [...y.data]], [expected.dims, [...expected.data]]);
    }
  });

  it('refuse shapes and attributes that do not fit', () => {
    refused('SHAPE_MISMATCH', /expected x \[N, C, ..\], W/, 'Conv', [1, 3, 5, 5], ramp(4, 2, 3, 3));
    refused('SHAPE_MISMATCH', /in 2 groups/, 'Conv', [1, 4, 5, 5], ramp(3, 2, 3, 3), { group: 2 });
    refused('SHAPE_MISMATCH', /one to 3 axes/, 'Conv', [1, 1, 2, 2, 2, 2], ramp(1, 1, 1, 1, 1, 1));
    refused('SHAPE_MISMATCH', /expected one that fits/, 'Conv', [1, 1, 2, 2], ramp(1, 1, 3, 3));
    refused('SHAPE_MISMATCH', /kernel_shape: got \[2,2\]/, 'Conv', [1, 1, 5, 5], ramp(1, 1, 3, 3), {
      kernel_shape: [2, 2],
    });
    refused('MODEL_INVALID', /strides: got \[1\], expected 2/, 'Conv', [1, 1, 5, 5], ramp(1, 1, 3, 3), {
      strides: [1],
    });
    refused('MODEL_INVALID', /strides: got \[0,1\]/, 'Conv', [1, 1, 5, 5], ramp(1, 1, 3, 3), { strides: [0, 1] });
    refused('MODEL_INVALID', /pads: got \[0,0,-1,0\]/, 'MaxPool', [1, 1, 5, 5], undefined, {
      kernel_shape: [2, 2],
      pads: [0, 0, -1, 0],
    });
    refused('MODEL_INVALID', /auto_pad: got "X"/, 'Conv', [1, 1, 5, 5], ramp(1, 1, 3, 3), { auto_pad: 'X' });
    refused('MODEL_LIMIT', /windows: got/, 'MaxPool', [1, 1, 5, 5], undefined, {
      kernel_shape: [70_000, 70_000],
      pads: [70_000, 70_000, 0, 0],
    });
    refused('SHAPE_UNSUPPORTED', /axes of the image/, 'Conv', [1, 1, 'h', 5], ramp(1, 1, 3, 3));
    refused('SHAPE_UNSUPPORTED', /channels/, 'MaxPool', [1, 'c', 5, 5], undefined, { kernel_shape: [2, 2] });
    refused('SHAPE_MISMATCH', /kernel_shape: got \[undefined\]/, 'MaxPool', [1, 1, 5, 5]);
  });

  it('of constants are not folded where that takes minutes', () => {
    const zeros = (...dims: number[]) => new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b)), dims);
    const constants = { x: zeros(1, 512, 64, 64), W: zeros(512, 512, 3, 3) };
    const graph = graphOf({
      inputs: [],
      outputs: ['y'],
      nodes: [node('Conv', ['x', 'W'], 'y', { pads: [1, 1, 1, 1] })],
      constants,
    });
    assert.throws(() => inferFacts(graph), { code: 'MODEL_LIMIT', message: /products of constants/ });
  });

  it('over the whole image are a linear layer', () => {
    assert.deepEqual(kinds('Conv', ['n', 3, 4, 4], ramp(8, 3, 4, 4)), ['gemm']);
    assert.deepEqual(kinds('Conv', ['n', 3, 4, 4], ramp(8, 3, 3, 3)), ['conv']);
  });

  it('take the clamp behind a Conv into its step', () => {
    const nodes = [node('Conv', ['x', 'W'], 'p'), node('Relu', ['p'], 'y')];
    const graph = graphOf({ inputs: [port('x', ['n', 1, 4])], outputs: ['y'], nodes, constants: { W: ramp(2, 1, 3) } });
    const [step, ...others] = buildPlan(graph).steps;
    assert.deepEqual(others, []);
    assert.deepEqual(step.params.lo, { real: 0 });
  });

  it('take the normalisation behind a Conv into their weights, and the clamp behind that', () => {
    const constants = { W: ramp(2, 1, 3), B: ramp(2), s: ramp(2), t: ramp(2), m: ramp(2), v: positive(2) };
    const nodes = [
      node('Conv', ['x', 'W', 'B'], 'p'),
      node('BatchNormalization', ['p', 's', 't', 'm', 'v'], 'q'),
      node('Relu', ['q'], 'y'),
    ];
    const x = ramp(2, 1, 6);
    const graph = graphOf({ inputs: [port('x', [2, 1, 6])], outputs: ['y'], nodes, constants });
    const plan = buildPlan(graph);
    assert.deepEqual(
      plan.steps.map(({ kind }) => kind),
      ['conv'],
    );
    const got = createWasmExecutor(plan).runSync({ x }, {}).y.data as Float32Array;
    const folded = inferFacts({ ...graph, inputs: [], initializers: new Map([...graph.initializers, ['x', x]]) });
    const wanted = folded.get('y')!.constant!.data as Float32Array;
    // Eight roundings of values below 2^6: scale, weights, three products and sums, bias.
    assert.ok(got.every((value, i) => Math.abs(value - wanted[i]) <= 8 * 2 ** -24 * 2 ** 6));
    assert.ok(got.some((value) => value > 0));
  });

  it('keep a Conv that others read, or that is an output, apart from its normalisation', () => {
    const constants = { W: ramp(2, 1, 3), s: ramp(2), t: ramp(2), m: ramp(2), v: positive(2) };
    const nodes = [node('Conv', ['x', 'W'], 'p'), node('BatchNormalization', ['p', 's', 't', 'm', 'v'], 'y')];
    const parts = { inputs: [port('x', [2, 1, 6])], nodes, constants };
    const kindsOf = (outputs: readonly string[], more: ReturnType<typeof node>[] = []) =>
      buildPlan(graphOf({ ...parts, nodes: [...nodes, ...more], outputs })).steps.map(({ kind }) => kind);
    assert.deepEqual(kindsOf(['p', 'y']), ['conv', 'binary', 'binary']);
    assert.deepEqual(kindsOf(['y', 'z'], [node('Relu', ['p'], 'z')]), ['conv', 'binary', 'binary', 'unary']);
  });

  it('compute with weights that are inputs, as with constant ones', () => {
    const [x, W, B] = [ramp(2, 4, 6, 5), ramp(6, 2, 3, 3), ramp(6)];
    const attributes = { group: 2, pads: [1, 1, 1, 1] };
    const run = (inputs: Record<string, Tensor>, constants: Record<string, Tensor>, names: readonly string[]) => {
      const ports = Object.entries(inputs).map(([name, { dims }]) => port(name, dims));
      const nodes = [node('Conv', names, 'y', attributes)];
      const plan = buildPlan(graphOf({ inputs: ports, outputs: ['y'], nodes, constants }));
      assert.ok(plan.steps.every(({ kind }) => kind !== 'reference'));
      return createWasmExecutor(plan).runSync(inputs, {}).y.data;
    };
    for (const names of [
      ['x', 'W'],
      ['x', 'W', 'B'],
    ]) {
      assert.deepEqual(run({ x, W, ...(names[2] ? { B } : {}) }, {}, names), run({ x }, { W, B }, names));
    }
  });

  it('give a pool with indices to the reference, which counts them in either order', () => {
    const attributes = { kernel_shape: [2, 2], strides: [2, 2], storage_order: 1 };
    const graph = graphOf({
      inputs: [],
      outputs: ['y', 'i'],
      nodes: [node('MaxPool', ['x'], ['y', 'i'], attributes)],
      constants: { x: ramp(1, 1, 4, 4) },
    });
    // Odd elements of the ramp are negative: the largest of each window stands at its lower left.
    assert.deepEqual([...(inferFacts(graph).get('i')!.constant!.data as BigInt64Array)], [1n, 9n, 3n, 11n]);
  });
});
