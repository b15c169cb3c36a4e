import assert from 'node:assert/strict';
import { canonicalise } from '../../../src/graph/canonicalise.js';
import { countMacs } from '../../../src/graph/cost.js';
import type { Graph } from '../../../src/graph/graph.js';
import { inferFacts } from '../../../src/graph/infer.js';
import { useIntegerProducts } from '../../../src/graph/integer-products.js';
import { findOperator } from '../../../src/graph/operators/index.js';
import { buildPlan, runReference } from '../../../src/plan/index.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../../src/runtime/wasm-executor.js';
import { randomFloats } from '../../oracle/linear-case.js';
import { type GraphParts, graphOf, node, port } from '../../support/graph.js';

const count = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
const floats = (seed: number, ...dims: number[]) =>
  new Tensor('float32', randomFloats(count(dims), seed).map((v) => 4 * v) as Float32Array<ArrayBuffer>, dims);
const scalar = (value: number) => new Tensor('float32', Float32Array.of(value), []);
const byte = (dtype: 'uint8' | 'int8', ...values: number[]) =>
  new Tensor(
    dtype,
    (dtype === 'int8' ? Int8Array : Uint8Array).from(values) as never,
    values.length === 1 ? [] : [values.length],
  );

/** Bytes over their whole range. */
function bytes(dtype: 'uint8' | 'int8', seed: number, ...dims: number[]): Tensor {
  const values = Array.from(
    randomFloats(count(dims), seed),
    (v) => Math.floor(v * 128) + (dtype === 'uint8' ? 128 : 0),
  );
  return new Tensor(dtype, (dtype === 'int8' ? Int8Array : Uint8Array).from(values) as never, dims);
}

/** Runs a graph and asserts that every output has the reference's very elements, by the steps named. */
function check(parts: GraphParts, feeds: Readonly<Record<string, Tensor>>, kinds: readonly string[]): void {
  const graph = graphOf(parts);
  const plan = buildPlan(canonicalise(useIntegerProducts(graph)));
  assert.deepEqual([...new Set(plan.steps.map(({ kind }) => kind))].sort(), [...kinds].sort());
  const got = createWasmExecutor(plan, { runReference }).runSync(feeds, {});
  const initializers = new Map([...graph.initializers, ...Object.entries(feeds)]);
  const facts = inferFacts({ ...graph, inputs: [], initializers });
  for (const name of parts.outputs) assert.deepEqual(got[name], facts.get(name)!.constant, name);
}

const elementwise = ['binary', 'cast', 'unary'];

describe('quantised operators as steps', () => {
  it('quantise and dequantise by one scale or along an axis, with and without a zero point', () => {
    const x = floats(1, 3, 4, 5);
    for (const dtype of ['uint8', 'int8'] as const) {
      for (const [scale, zero] of [
        [scalar(0.013), byte(dtype, dtype === 'uint8' ? 130 : -7)],
        [floats(2, 4), byte(dtype, 3, 1, 0, 99)],
        [scalar(1e-9), byte(dtype, 1)],
      ] as const) {
        const nodes = [node('QuantizeLinear', ['x', 's', 'z'], 'q'), node('DequantizeLinear', ['q', 's', 'z'], 'y')];
        const shape = { inputs: [port('x', [3, 4, 5])], outputs: ['q', 'y'], nodes };
        check({ ...shape, constants: { s: scale, z: zero } }, { x }, elementwise);
      }
    }
    const plain = [node('QuantizeLinear', ['x', 's'], 'q'), node('DequantizeLinear', ['q', 's'], 'y')];
    check(
      { inputs: [port('x', [3, 4, 5])], outputs: ['q', 'y'], nodes: plain, constants: { s: scalar(0.02) } },
      { x },
      elementwise,
    );
  });

  it('give the dtype that an attribute, or the scale, asks for', () => {
    const outputs = (op: string, attributes: Record<string, number>, scale: Tensor, x: Tensor) =>
      findOperator({ op, domain: '' }, 21)!.evaluate(node(op, ['x', 's'], 'y', attributes), [x, scale], 21);
    const inferred = (op: string, attributes: Record<string, number>, scale: Tensor, x: Tensor) =>
      findOperator({ op, domain: '' }, 21)!.infer(
        node(op, ['x', 's'], 'y', attributes),
        [x, scale].map(({ type, dims }) => ({ dtype: type, shape: dims })),
        21,
      );
    const half = new Tensor('float16', Uint16Array.of(0x3800), []);
    for (const [op, attributes, scale, x, dtype, values] of [
      ['QuantizeLinear', { output_dtype: 3 }, scalar(0.5), floats(1, 1).reshape([1]), 'int8', undefined],
      ['QuantizeLinear', {}, scalar(0.5), floats(1, 1).reshape([1]), 'uint8', undefined],
      ['DequantizeLinear', {}, half, byte('int8', -6), 'float16', [0xc200]],
    ] as const) {
      const [y] = outputs(op, attributes, scale, x);
      assert.deepEqual([y.type, inferred(op, attributes, scale, x)[0].dtype], [dtype, dtype]);
      if (values) assert.deepEqual([...y.data], values);
    }
    assert.throws(() => inferred('QuantizeLinear', { output_dtype: 5 }, scalar(1), floats(1, 1)), {
      code: 'DTYPE_UNSUPPORTED',
    });
  });

  it('take scales for blocks along an axis, which stay reference steps', () => {
    const [x, scale] = [byte('uint8', 10, 20, 30, 40, 50, 60, 70, 80).reshape([2, 4]), [1, 10, 100, 1000]];
    const attributes = { axis: 1, block_size: 2 };
    const graph = graphOf({
      inputs: [port('x', [2, 4], 'uint8')],
      outputs: ['y', 'q'],
      nodes: [
        node('DequantizeLinear', ['x', 's'], 'y', attributes),
        node('QuantizeLinear', ['y', 's'], 'q', attributes),
      ],
      constants: { s: new Tensor('float32', Float32Array.from(scale), [2, 2]) },
      opset: 21,
    });
    const { y, q } = createWasmExecutor(buildPlan(canonicalise(graph)), { runReference }).runSync({ x }, {});
    assert.deepEqual([...y.data], [10, 20, 300, 400, 5000, 6000, 70000, 80000]);
    assert.deepEqual([...q.data], [...x.data]);
    const wrong = { ...graph, initializers: new Map([['s', new Tensor('float32', Float32Array.from(scale), [4])]]) };
    const executor = createWasmExecutor(buildPlan(canonicalise(wrong)), { runReference });
    assert.throws(() => executor.runSync({ x }, {}), { code: 'SHAPE_MISMATCH' });
  });

  it('quantise by scales and zero points that are computed', () => {
    const nodes = [node('QuantizeLinear', ['x', 's', 'z'], 'q'), node('DequantizeLinear', ['q', 's', 'z'], 'y')];
    const inputs = [port('x', ['n', 6]), port('s', []), port('z', [], 'int8')];
    check(
      { inputs, outputs: ['q', 'y'], nodes },
      { x: floats(1, 4, 6), s: scalar(0.03), z: byte('int8', -5) },
      elementwise,
    );
  });

  it('quantise dynamically, zeros and one-sided ranges too', () => {
    const nodes = [node('DynamicQuantizeLinear', ['x'], ['q', 's', 'z'])];
    const shape = { inputs: [port('x', ['n', 7])], outputs: ['q', 's', 'z'], nodes };
    for (const change of [(v: number) => v, () => 0, Math.abs, (v: number) => -Math.abs(v), (v: number) => 1e-42 * v]) {
      const x = floats(3, 5, 7);
      check(shape, { x: new Tensor('float32', x.data.map(change), x.dims) }, [...elementwise, 'reduce']);
    }
  });

  it('multiply integers exactly, whatever the dtypes and zero points', () => {
    for (const a of ['uint8', 'int8'] as const) {
      for (const b of ['uint8', 'int8'] as const) {
        for (const zeroB of [
          null,
          byte(b, b === 'uint8' ? 131 : -128),
          byte(b, ...Array.from({ length: 19 }, (_, i) => i)),
        ]) {
          const names = ['a', 'B', 'za', zeroB ? 'zb' : ''];
          const nodes = [node('MatMulInteger', names, 'y')];
          const constants = { B: bytes(b, 4, 9, 19), ...(zeroB && { zb: zeroB }) };
          const inputs = [port('a', [2, 'n', 9], a), port('za', [], a)];
          check({ inputs, outputs: ['y'], nodes, constants }, { a: bytes(a, 5, 2, 3, 9), za: byte(a, 7) }, [
            'gemm-int8',
          ]);
        }
      }
    }
    const nodes = [node('MatMulInteger', ['a', 'B'], 'y')];
    const row = { inputs: [port('a', [9], 'uint8')], outputs: ['y'], nodes, constants: { B: bytes('uint8', 1, 9, 5) } };
    check(row, { a: bytes('uint8', 2, 9) }, ['gemm-int8']);
  });

  it('multiply quantised matrices and quantise the product, by one scale or one for each column', () => {
    for (const dtype of ['uint8', 'int8'] as const) {
      for (const scaleB of [scalar(0.007), floats(6, 19)]) {
        const nodes = [node('QLinearMatMul', ['a', 'sa', 'za', 'B', 'sb', 'zb', 'sy', 'zy'], 'y')];
        const constants = {
          ...{ sa: scalar(0.02), za: byte(dtype, 3), B: bytes(dtype, 8, 40, 19), sb: scaleB, zb: byte(dtype, 9) },
          ...{ sy: scalar(0.11), zy: byte(dtype, 100) },
        };
        const shape = { inputs: [port('a', ['n', 40], dtype)], outputs: ['y'], nodes, constants };
        check(shape, { a: bytes(dtype, 7, 11, 40) }, ['gemm-int8', 'requantize']);
      }
    }
  });

  it('leave products of two computed factors, and zero points by row, to the reference', () => {
    const inputs = [port('a', [2, 3], 'uint8'), port('b', [3, 4], 'uint8')];
    const [a, b] = [bytes('uint8', 1, 2, 3), bytes('uint8', 2, 3, 4)];
    check({ inputs, outputs: ['y'], nodes: [node('MatMulInteger', ['a', 'b'], 'y')] }, { a, b }, ['reference']);
    const byRow = { nodes: [node('MatMulInteger', ['a', 'B', 'z'], 'y')], constants: { B: b, z: byte('uint8', 1, 2) } };
    check({ inputs: inputs.slice(0, 1), outputs: ['y'], ...byRow }, { a }, ['reference']);
  });

  it('run what dynamic quantisation exports, by integers', () => {
    const nodes = [
      node('DynamicQuantizeLinear', ['x'], ['q', 's', 'z']),
      node('MatMulInteger', ['q', 'W', 'z', 'wz'], 'sum'),
      node('Cast', ['sum'], 'real', { to: 1 }),
      node('Mul', ['s', 'ws'], 'scale'),
      node('Mul', ['real', 'scale'], 'product'),
      node('Add', ['product', 'bias'], 'y'),
    ];
    const constants = { W: bytes('uint8', 1, 12, 8), wz: byte('uint8', 119), ws: scalar(0.01), bias: floats(2, 8) };
    const shape = { inputs: [port('x', ['n', 12])], outputs: ['y'], nodes, constants };
    check(shape, { x: floats(3, 5, 12) }, [...elementwise, 'reduce', 'gemm-int8']);
  });
});

/** x [n, 12] -> Q -> DQ -> Gemm or MatMul with DQ(W) -> y. */
function dequantized(op: 'Gemm' | 'MatMul', axis: number | null, dtype: 'uint8' | 'int8'): Graph {
  const isGemm = op === 'Gemm';
  const columns = axis === null ? [] : new Array<number>(8).fill(0);
  const many = (value: number) =>
    new Tensor(dtype, (dtype === 'int8' ? Int8Array : Uint8Array).from(columns.map(() => value)) as never, [
      columns.length,
    ]);
  return graphOf({
    inputs: [port('x', ['n', 12])],
    outputs: ['y'],
    nodes: [
      node('QuantizeLinear', ['x', 'sx', 'zx'], 'q'),
      node('DequantizeLinear', ['q', 'sx', 'zx'], 'xd'),
      node('DequantizeLinear', ['W', 'sw', ...(axis === null ? ['zw'] : ['zws'])], 'wd', axis === null ? {} : { axis }),
      node(op, isGemm ? ['xd', 'wd', 'bias'] : ['xd', 'wd'], 'y', isGemm ? { transB: 1 } : {}),
    ],
    constants: {
      ...{ sx: scalar(0.03), zx: byte('uint8', 128), W: bytes(dtype, 1, ...(isGemm ? [8, 12] : [12, 8])) },
      ...{ sw: axis === null ? scalar(0.02) : floats(2, 8), zw: byte(dtype, 3), zws: many(5), bias: floats(4, 8) },
    },
  });
}

describe('convolutions of bytes', () => {
  const attributes = { strides: [2, 1], pads: [1, 0, 0, 1], group: 2 };
  const inputs = [port('x', [2, 4, 7, 6], 'uint8')];
  const x = bytes('uint8', 21, 2, 4, 7, 6);

  it('are those of the numbers that they stand for, quantised again', () => {
    for (const [scale, zero] of [
      [scalar(0.0125), byte('int8', 3)],
      [new Tensor('float32', Float32Array.of(0.01, 0.02, 0.005, 0.0025), [4]), byte('int8', 0, 7, -9, 1)],
    ] as const) {
      for (const bias of [undefined, new Tensor('int32', Int32Array.of(900, -5000, 0, 77), [4])]) {
        const names = ['x', 'sx', 'zx', 'w', 'sw', 'zw', 'sy', 'zy', ...(bias ? ['b'] : [])];
        const constants = {
          ...{ sx: scalar(0.02), zx: byte('uint8', 120), w: bytes('int8', 22, 4, 2, 3, 3), sw: scale, zw: zero },
          ...{ sy: scalar(0.75), zy: byte('uint8', 99), ...(bias && { b: bias }) },
        };
        const nodes = [node('QLinearConv', names, 'y', attributes)];
        check({ inputs, outputs: ['y'], nodes, constants }, { x }, ['binary', 'cast', 'conv', 'unary']);
      }
    }
  });

  it('are those of the numbers where their sums end as reals, with what is added on the way', () => {
    const w = bytes('int8', 23, 4, 2, 3, 3);
    const convolve = node('ConvInteger', ['x', 'w', 'zx'], 'sums', attributes);
    const plain = [convolve, node('Cast', ['sums'], 'y', { to: 1 })];
    check({ inputs, outputs: ['y'], nodes: plain, constants: { w, zx: byte('uint8', 130) } }, { x }, [
      ...['binary', 'cast', 'conv'],
    ]);
    const zw = byte('int8', 5, 0, -3, 100);
    const b = new Tensor('int32', Int32Array.of(5, -2000, 0, 123), [1, 4, 1, 1]);
    const added = [
      node('ConvInteger', ['x', 'w', '', 'zw'], 'sums', attributes),
      node('Add', ['b', 'sums'], 'more'),
      node('Cast', ['more'], 'y', { to: 1 }),
    ];
    check({ inputs, outputs: ['y'], nodes: added, constants: { w, zw, b } }, { x }, ['cast', 'conv']);
  });

  it('count their multiply-adds, as sums of products over labels do', () => {
    const macsOf = (parts: GraphParts) => countMacs(graphOf(parts));
    const w = bytes('int8', 24, 4, 2, 3, 3);
    const convolve = node('ConvInteger', ['x', 'w'], 'y', attributes);
    // 4 outputs of 2 channels and 9 taps at 3 x 5 places of each sample: 7 + 1 rows by 2, 6 + 1 columns by 1.
    assert.equal(
      macsOf({ inputs: [port('x', ['n', 4, 7, 6], 'uint8')], outputs: ['y'], nodes: [convolve], constants: { w } }),
      4 * 2 * 9 * 3 * 5,
    );
    const sum = node('Einsum', ['x', 'w'], 'y', { equation: 'ni,oi->no' });
    const weights = { w: floats(1, 5, 6) };
    assert.equal(macsOf({ inputs: [port('x', ['n', 6])], outputs: ['y'], nodes: [sum], constants: weights }), 30);
  });

  it('stay as they are where others read the sums, where these end otherwise, and where weights are fed', () => {
    const w = bytes('int8', 24, 4, 2, 3, 3);
    const convolve = node('ConvInteger', ['x', 'w'], 'sums', attributes);
    const cast = node('Cast', ['sums'], 'y', { to: 1 });
    const stays = (parts: GraphParts) =>
      canonicalise(graphOf(parts)).nodes.some(({ op }) => op === 'ConvInteger' || op === 'QLinearConv');
    assert.ok(stays({ inputs, outputs: ['y', 'sums'], nodes: [convolve, cast], constants: { w } }));
    const double = node('Cast', ['sums'], 'y', { to: 11 });
    assert.ok(stays({ inputs, outputs: ['y'], nodes: [convolve, double], constants: { w } }));
    assert.ok(stays({ inputs: [...inputs, port('w', [4, 2, 3, 3], 'int8')], outputs: ['y'], nodes: [convolve, cast] }));
  });
});

describe('useIntegerProducts', () => {
  it('multiplies dequantised matrices by integers, within the rounding of the float product', () => {
    for (const [op, axis] of [
      ['Gemm', null],
      ['Gemm', 0],
      ['MatMul', null],
      ['MatMul', 1],
      ['MatMul', -1],
    ] as const) {
      for (const dtype of ['uint8', 'int8'] as const) {
        const graph = dequantized(op, axis, dtype);
        const plan = buildPlan(canonicalise(useIntegerProducts(graph)));
        const kinds = new Set(plan.steps.map(({ kind }) => kind));
        assert.ok(kinds.has('gemm-int8') && !kinds.has('gemm') && !kinds.has('reference'), [...kinds].join());
        const x = floats(5, 6, 12);
        const run = (one: typeof plan) => createWasmExecutor(one).runSync({ x }, {})['y']!.data as Float32Array;
        const [integers, reals] = [run(plan), run(buildPlan(canonicalise(graph)))];
        // 12 products of at most 4 and 255 scales each, 14 roundings of float32.
        integers.forEach((value, i) => {
          assert.ok(Math.abs(value - reals[i]!) <= 14 * 2 ** -24 * 12 * 4 * 255 * 4, `${op} ${axis} ${dtype} [${i}]`);
        });
      }
    }
  });

  it('leaves other products as they are', () => {
    const float = graphOf({
      inputs: [port('x', ['n', 3])],
      outputs: ['y'],
      nodes: [node('MatMul', ['x', 'W'], 'y')],
      constants: { W: floats(1, 3, 2) },
    });
    assert.equal(useIntegerProducts(float), float);
    const names = (graph: Graph) => graph.nodes.map(({ op }) => op);
    const byInput = dequantized('MatMul', 0, 'int8');
    const wrongAxis = {
      ...byInput,
      initializers: new Map([...byInput.initializers, ['sw', floats(1, 12)], ['zws', bytes('int8', 1, 12)]]),
    };
    assert.deepEqual(names(useIntegerProducts(wrongAxis)), names(wrongAxis));
    const scaled = dequantized('Gemm', null, 'int8');
    const gemm = scaled.nodes.at(-1)!;
    const nodes = [
      ...scaled.nodes.slice(0, -1),
      { ...gemm, attributes: new Map([...gemm.attributes, ['alpha', 0.5] as const]) },
    ];
    assert.deepEqual(names(useIntegerProducts({ ...scaled, nodes })), names(scaled));
  });
});
