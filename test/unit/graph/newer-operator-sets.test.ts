/**
 * Operator sets 18 to 24, which the conformance data (1 to 17) do not reach: values by the definitions, and the kernels'
 * against the reference's.
 */
import assert from 'node:assert/strict';
import { canonicalise } from '../../../src/graph/canonicalise.js';
import type { Attribute, Graph, Node } from '../../../src/graph/graph.js';
import { inferFacts } from '../../../src/graph/infer.js';
import { lastOpset } from '../../../src/graph/operators/define.js';
import { findOperator } from '../../../src/graph/operators/index.js';
import { graphOfPlan } from '../../../src/package/plan-graph/index.js';
import { buildPlan, runReference } from '../../../src/plan/index.js';
import { KerfError } from '../../../src/runtime/errors.js';
import { type DType, Tensor } from '../../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../../src/runtime/wasm-executor.js';
import { graphOf, int64, node, port, ramp } from '../../support/graph.js';
import { Random } from '../../support/random.js';

type Attributes = Readonly<Record<string, Attribute>>;

const floats = (values: readonly number[], dims: readonly number[] = [values.length]) =>
  new Tensor('float32', Float32Array.from(values), dims);
const list = (tensor: Tensor) => Array.from(tensor.data as ArrayLike<number | bigint>, Number);

/** x and constants into one node; '' stands for an absent input. */
function graphWith(
  opset: number,
  op: string,
  x: Tensor,
  others: readonly (Tensor | null)[],
  attributes: Attributes,
  dims: readonly (number | string)[] = x.dims,
): Graph {
  const constants = Object.fromEntries(others.flatMap((tensor, i) => (tensor ? [[`c${i}`, tensor]] : [])));
  const names = others.map((tensor, i) => (tensor ? `c${i}` : ''));
  return graphOf({
    inputs: [port('x', dims, x.type)],
    outputs: ['y'],
    nodes: [node(op, ['x', ...names], 'y', attributes)],
    constants,
    opset,
  });
}

/** The node's value by the reference: x is a constant. */
function reference(opset: number, op: string, x: Tensor, others: readonly (Tensor | null)[], attributes: Attributes) {
  const { inputs, initializers, ...graph } = graphWith(opset, op, x, others, attributes);
  return inferFacts({ ...graph, inputs: [], initializers: new Map([...initializers, ['x', x]]) }).get('y')!
    .constant as Tensor;
}

function checkValues(got: Tensor, dims: readonly number[], values: readonly number[], slack = 0): void {
  assert.deepEqual(got.dims, dims);
  const off = list(got).findIndex((value, i) => !(Math.abs(value - values[i]) <= slack * (1 + Math.abs(values[i]))));
  assert.equal(off, -1, `[${off}]: got ${list(got)[off]}, expected ${values[off]}`);
}

const x23 = floats([1, -2, 3, 4, 5, -6], [2, 3]);

describe('newer operator sets', () => {
  it('are known to the last one, each name in all sets behind its first', () => {
    for (const op of ['Add', 'Conv', 'Gemm', 'LSTM', 'MatMul', 'Pad', 'ReduceMean', 'Resize', 'Softmax', 'Split']) {
      for (let opset = 13; opset <= lastOpset; opset++)
        assert.ok(findOperator({ op, domain: '' }, opset), `${op} ${opset}`);
    }
    const firsts = { Mish: 18, GroupNormalization: 18, BitwiseAnd: 18, Gelu: 20, RMSNormalization: 23, Swish: 24 };
    for (const [op, first] of Object.entries(firsts)) {
      assert.equal(findOperator({ op, domain: '' }, first - 1), undefined, op);
      assert.ok(findOperator({ op, domain: '' }, first), op);
    }
  });

  it('reduce over axes that are an input', () => {
    const keep = { keepdims: 0 };
    checkValues(reference(18, 'ReduceMean', x23, [int64(-1)], keep), [2], [2 / 3, 1], 2 ** -23);
    checkValues(reference(18, 'ReduceMax', x23, [int64(0)], {}), [1, 3], [4, 5, 3]);
    checkValues(reference(18, 'ReduceL1', x23, [], keep), [], [21]);
    checkValues(reference(18, 'ReduceProd', x23, [], { noop_with_empty_axes: 1 }), [2, 3], list(x23));
  });

  it('split into unequal pieces', () => {
    const graph = graphOf({
      inputs: [port('x', ['n', 5])],
      outputs: ['a', 'b'],
      nodes: [node('Split', ['x'], ['a', 'b'], { axis: 1, num_outputs: 2 })],
      opset: 18,
    });
    const { a, b } = createWasmExecutor(buildPlan(graph)).runSync({ x: floats([1, 2, 3, 4, 5], [1, 5]) }, {});
    assert.deepEqual(
      [list(a), list(b)],
      [
        [1, 2, 3],
        [4, 5],
      ],
    );
    const old = { ...graph, opset: 17 };
    assert.throws(
      () => inferFacts(old),
      (error) => error instanceof KerfError && error.code === 'SHAPE_MISMATCH',
    );
  });

  it('pad some axes, in the order in which they are named, and round', () => {
    const padded = reference(18, 'Pad', x23, [int64(1, 0, 0, 2), floats([9], []), int64(1, 0)], {});
    checkValues(padded, [4, 4], [9, 1, -2, 3, 9, 4, 5, -6, 9, 9, 9, 9, 9, 9, 9, 9]);
    checkValues(
      reference(19, 'Pad', floats([1, 2, 3]), [int64(4, 2)], { mode: 'wrap' }),
      [9],
      [3, 1, 2, 3, 1, 2, 3, 1, 2],
    );
  });

  it('resize some axes, in the order in which they are named, and keep their ratio', () => {
    const x = ramp(1, 1, 2, 4);
    const sized = (opset: number, sizes: Tensor, more: Attributes) =>
      reference(opset, 'Resize', x, [null, null, sizes], { mode: 'nearest', ...more });
    assert.deepEqual(sized(18, int64(8, 6), { axes: [3, 2] }).dims, [1, 1, 6, 8]);
    assert.deepEqual(
      sized(18, int64(6, 6), { axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' }).dims,
      [1, 1, 3, 6],
    );
    assert.deepEqual(
      sized(18, int64(6, 6), { axes: [2, 3], keep_aspect_ratio_policy: 'not_smaller' }).dims,
      [1, 1, 6, 12],
    );
    // 2 of 3 elements, whose centres stand as far from both ends: 0.25 and 1.75 of 0..2.
    const symmetric = reference(19, 'Resize', floats([0, 1, 2]), [null, floats([0.7])], {
      mode: 'linear',
      coordinate_transformation_mode: 'half_pixel_symmetric',
    });
    const scale = Math.fround(0.7);
    const centre = (at: number) => 1.5 * (1 - 2 / (3 * scale)) + (at + 0.5) / scale - 0.5;
    checkValues(symmetric, [2], [centre(0), centre(1)], 2 ** -22);
    assert.ok(Math.abs(centre(0) + centre(1) - 2) < 1e-12);
    const smooth = { mode: 'linear', antialias: 1 };
    assert.throws(
      () => reference(18, 'Resize', floats([0, 1, 2, 3]), [null, floats([0.5])], smooth),
      (error) => error instanceof KerfError && /antialias: got 1/.test(error.message),
    );
    checkValues(reference(18, 'Resize', floats([0, 2]), [null, floats([2])], smooth), [4], [0, 0.5, 1.5, 2]);
  });

  it('scatter the larger or the smaller, average windows with gaps, transform any axis', () => {
    const scattered = (reduction: string) =>
      list(reference(18, 'ScatterElements', floats([1, 5, 3]), [int64(0, 1, 0), floats([4, 2, -7])], { reduction }));
    assert.deepEqual(
      [scattered('max'), scattered('min')],
      [
        [4, 5, 3],
        [-7, 2, 3],
      ],
    );
    const image = floats([1, 2, 3, 4, 5], [1, 1, 5]);
    const pool = { kernel_shape: [2], dilations: [2], pads: [1, 1] };
    // Taps at -1 and 1, 0 and 2, 1 and 3, 2 and 4, 3 and 5.
    checkValues(reference(19, 'AveragePool', image, [], pool), [1, 1, 5], [2, 2, 3, 4, 4]);
    const whole = reference(19, 'AveragePool', image, [], { ...pool, count_include_pad: 1 });
    checkValues(whole, [1, 1, 5], [1, 2, 3, 4, 2]);
    const signal = floats([1, 2, 3, 5], [1, 2, 2, 1]);
    const first = reference(20, 'DFT', signal, [null, int64(1).reshape([])], {});
    checkValues(first, [1, 2, 2, 2], [4, 0, 7, 0, -2, 0, -3, 0], 2 ** -22);
    checkValues(reference(20, 'DFT', signal, [], {}), [1, 2, 2, 2], [3, 0, -1, 0, 8, 0, -2, 0], 2 ** -22);
  });

  it('compute on bits', () => {
    const bits = (op: string, type: 'int32' | 'uint8', values: number[], others: number[]) => {
      const make = type === 'int32' ? Int32Array : Uint8Array;
      const tensors = [values, others].map((one) => new Tensor(type as DType, make.from(one) as never, [one.length]));
      return list(reference(18, op, tensors[0], op === 'BitwiseNot' ? [] : [tensors[1]], {}));
    };
    assert.deepEqual(bits('BitwiseAnd', 'int32', [12, -1], [10, 7]), [8, 7]);
    assert.deepEqual(bits('BitwiseOr', 'int32', [12, -8], [10, 7]), [14, -1]);
    assert.deepEqual(bits('BitwiseXor', 'uint8', [12, 255], [10, 7]), [6, 248]);
    assert.deepEqual(bits('BitwiseNot', 'uint8', [0, 254], []), [255, 1]);
    assert.deepEqual(bits('BitwiseNot', 'int32', [0, 254], []), [-1, -255]);
  });

  it('have the values of their definitions and of their kernels: activations and normalisations', () => {
    const x = floats([-3, -1, -0.25, 0, 0.5, 2, 1, -2, 4, 3, 0.75, -0.5], [1, 4, 3]);
    const values = list(x);
    const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
    const mish = (v: number) => v * Math.tanh(Math.log1p(Math.exp(v)));
    const tanh = (v: number) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)));
    // Phi at -3, -1, -.25, 0, .5, 2, 1, -2, 4, 3, .75, -.5 from tables of the normal law.
    const phi = [0.0013498980316301, 0.15865525393146, 0.40129367431708, 0.5, 0.69146246127401, 0.97724986805182];
    const more = [
      0.84134474606854, 0.02275013194818, 0.99996832875817, 0.99865010196837, 0.77337264762313, 0.30853753872599,
    ];
    const gelu = [...phi, ...more].map((share, i) => share * values[i]);
    /** Rows of `size` numbers, each normalised; then gain and shift by place. */
    const normal = (size: number, epsilon: number, isCentred = true) =>
      values.map((value, i) => {
        const row = values.slice(i - (i % size), i - (i % size) + size);
        const mean = isCentred ? row.reduce((sum, one) => sum + one, 0) / size : 0;
        const variance = row.reduce((sum, one) => sum + (one - mean) ** 2, 0) / size;
        return (value - mean) / Math.sqrt(variance + epsilon);
      });
    const channel = (i: number) => Math.floor(i / 3);
    const [four, two, three] = [floats([1, 2, -1, 0.5]), floats([2, -1]), floats([1, 0.5, -2])];
    const cases: readonly [number, string, readonly Tensor[], Attributes, readonly number[]][] = [
      [20, 'Gelu', [], {}, gelu],
      [20, 'Gelu', [], { approximate: 'tanh' }, values.map(tanh)],
      [18, 'Mish', [], {}, values.map(mish)],
      [24, 'Swish', [], {}, values.map((v) => v * sigmoid(v))],
      [24, 'Swish', [], { alpha: 0.5 }, values.map((v) => v * sigmoid(v / 2))],
      [23, 'RMSNormalization', [three], { epsilon: 0.5 }, normal(3, 0.5, false).map((v, i) => v * three.data[i % 3])],
      [
        21,
        'GroupNormalization',
        [four, four],
        { num_groups: 2, epsilon: 0.25 },
        normal(6, 0.25).map((v, i) => v * four.data[channel(i)] + four.data[channel(i)]),
      ],
      [
        18,
        'GroupNormalization',
        [two, two],
        { num_groups: 2 },
        normal(6, 1e-5).map((v, i) => v * two.data[Math.floor(i / 6)] + two.data[Math.floor(i / 6)]),
      ],
      [
        22,
        'InstanceNormalization',
        [four, four],
        { epsilon: 0.125 },
        normal(3, 0.125).map((v, i) => v * four.data[channel(i)] + four.data[channel(i)]),
      ],
    ];
    for (const [opset, op, others, attributes, wanted] of cases) {
      // Functions within 5 ulp, and sums of six numbers; of Gelu's 1 + erf what is left of it near -1.
      checkValues(reference(opset, op, x, others, attributes), x.dims, wanted, 2 ** -21);
      const plan = buildPlan(canonicalise(graphWith(opset, op, x, others, attributes, ['n', ...x.dims.slice(1)])));
      assert.deepEqual(
        plan.steps.filter(({ kind }) => kind === 'reference'),
        [],
        op,
      );
      assert.ok(plan.rows, op);
      checkValues(createWasmExecutor(plan).runSync({ x }, {}).y, x.dims, wanted, 2 ** -20);
    }
    const wrong = { num_groups: 3 };
    assert.throws(
      () => reference(21, 'GroupNormalization', x, [four, four], wrong),
      (error) => error instanceof KerfError && /num_groups: got 3 for \[1, 4, 3\]/.test(error.message),
    );
  });

  it('pick elements by kernels: Where of any condition, IsNaN and Not', () => {
    const run = (nodes: readonly Node[], constants: Readonly<Record<string, Tensor>>, x: Tensor) => {
      const plan = buildPlan(
        canonicalise(
          graphOf({ inputs: [port('x', ['n', ...x.dims.slice(1)])], outputs: ['y'], nodes, constants, opset: 22 }),
        ),
      );
      assert.deepEqual(
        plan.steps.filter(({ kind }) => kind === 'reference'),
        [],
      );
      const { y } = createWasmExecutor(plan).runSync({ x }, {});
      // The package's ONNX form, read again, picks the same.
      const again = buildPlan(canonicalise(graphOfPlan(plan)));
      assert.deepEqual(createWasmExecutor(again).runSync({ x }, {}).y, y);
      return [...y.data];
    };
    const x = floats([1, Number.NaN, -0, 4, Number.NEGATIVE_INFINITY, Number.NaN], [2, 3]);
    const zero = floats([0], []);
    const guard = [node('IsNaN', ['x'], 'c'), node('Where', ['c', 'zero', 'x'], 'y')];
    assert.deepEqual(run(guard, { zero }, x), [1, 0, -0, 4, Number.NEGATIVE_INFINITY, 0]);
    const not = [node('IsNaN', ['x'], 'c'), node('Not', ['c'], 'd'), node('Where', ['d', 'x', 'row'], 'y')];
    assert.deepEqual(run(not, { row: floats([7, 8, 9]) }, x), [1, 8, -0, 4, Number.NEGATIVE_INFINITY, 9]);
    const mask = new Tensor('bool', Uint8Array.of(1, 0, 1), [1, 3]);
    const causal = [node('Where', ['mask', 'x', 'low'], 'y')];
    const picked = run(causal, { mask, low: floats([-1e4], []) }, x);
    assert.deepEqual(picked, [1, Math.fround(-1e4), -0, 4, Math.fround(-1e4), Number.NaN]);
  });

  it('attend as the definition says, on kernels: heads in rows or apart, fewer keys, masks, causal', () => {
    const random = new Random(5);
    const draw = (...dims: number[]) => new Tensor('float32', random.floats(dims.reduce((a, b) => a * b)), dims);
    const bool = new Tensor(
      'bool',
      Uint8Array.from({ length: 15 }, (_, i) => Number(i % 5 === 0 || i % 3 > 0)),
      [3, 5],
    );
    const apart = [draw(2, 4, 3, 8), draw(2, 4, 5, 8), draw(2, 4, 5, 6)];
    const few = [apart[0], draw(2, 2, 5, 8), draw(2, 2, 5, 6)];
    const flat = [draw(2, 3, 32), draw(2, 5, 16), draw(2, 5, 12)];
    const cases: readonly [readonly Tensor[], Tensor | null, Attributes][] = [
      [apart, null, {}],
      [apart, draw(3, 5), { scale: 0.25 }],
      [apart, bool, {}],
      [few, null, { is_causal: 1 }],
      [flat, draw(2, 1, 3, 5), { q_num_heads: 4, kv_num_heads: 2 }],
    ];
    for (const [[q, k, v], mask, attributes] of cases) {
      const wanted = reference(23, 'Attention', q, mask ? [k, v, mask] : [k, v], attributes);
      const tensors: Record<string, Tensor> = { q, k, v, ...(mask && { mask }) };
      const graph = graphOf({
        inputs: Object.entries(tensors).map(([name, { dims, type }]) => {
          return port(name, name === 'mask' && dims.length < 4 ? dims : ['n', ...dims.slice(1)], type);
        }),
        outputs: ['y'],
        nodes: [node('Attention', Object.keys(tensors), 'y', attributes)],
        opset: 23,
      });
      const plan = buildPlan(canonicalise(graph));
      assert.deepEqual(
        plan.steps.filter(({ kind }) => kind === 'reference'),
        [],
      );
      // Products of 8 and sums of 5 numbers near 1, and powers within 2 ulp.
      checkValues(createWasmExecutor(plan).runSync(tensors, {}).y, wanted.dims, list(wanted), 2 ** -19);
    }
    assert.throws(
      () => reference(23, 'Attention', apart[0], apart.slice(1), { softcap: 2 }),
      (error) => error instanceof KerfError && error.code === 'OPERATOR_UNSUPPORTED',
    );
    assert.throws(
      () => reference(23, 'Attention', flat[0], flat.slice(1), { q_num_heads: 3, kv_num_heads: 2 }),
      (error) => error instanceof KerfError && error.code === 'SHAPE_MISMATCH',
    );
  });

  it('cube numbers as their powers of 3 are', () => {
    const x = floats([0, -0, 1.5, -3, 1e-20, 1e20, -1e20, Number.NaN, 7]);
    const plan = buildPlan(graphWith(20, 'Pow', x, [floats([3], [])], {}));
    const { y } = createWasmExecutor(plan).runSync({ x }, {});
    const wanted = [0, -0, 3.375, -27, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 343];
    assert.deepEqual([...y.data], wanted);
  });

  it('write packages back to ONNX in forms of their own set', () => {
    const graph = graphOf({
      inputs: [port('x', ['n', 4])],
      outputs: ['y'],
      nodes: [
        node('ReduceMax', ['x', 'axes'], 'm', { keepdims: 1 }),
        node('IsInf', ['m'], 'b'),
        node('Cast', ['b'], 'y', { to: 1 }),
      ],
      constants: { axes: int64(1) },
      opset: 20,
    });
    const written = graphOfPlan(buildPlan(graph));
    const reduce = written.nodes.find(({ op }) => op === 'ReduceMax');
    assert.equal(written.opset, 20);
    assert.deepEqual([reduce?.inputs.length, reduce?.attributes.has('axes')], [2, false]);
    const executor = createWasmExecutor(buildPlan(canonicalise(written)), { runReference });
    const { y } = executor.runSync({ x: floats([1, Number.POSITIVE_INFINITY, 2, 3], [1, 4]) }, {});
    assert.deepEqual([...y.data], [1]);
  });
});
