/** What the conformance cases of opset 13 and later do not show: old definitions, dtypes, and refusals. */
import assert from 'node:assert/strict';
import type { Attribute } from '../../../src/graph/graph.js';
import { findOperator, listOperators } from '../../../src/graph/index.js';
import { inferFacts, requireSupported } from '../../../src/graph/infer.js';
import { KerfError } from '../../../src/runtime/errors.js';
import { type DType, Tensor } from '../../../src/runtime/tensor.js';
import { graphOf, int64, node, port, ramp } from '../../support/graph.js';

function run(op: string, inputs: readonly Tensor[], opset: number, attributes: Record<string, Attribute> = {}): Tensor {
  const names = inputs.map((_, i) => `i${i}`);
  const one = node(op, names, 'y', attributes);
  const constants = Object.fromEntries(inputs.map((tensor, i) => [`i${i}`, tensor]));
  const facts = inferFacts(graphOf({ inputs: [], outputs: ['y'], nodes: [one], constants, opset }));
  return facts.get('y')!.constant!;
}

const floats = (values: readonly number[], ...dims: number[]) =>
  new Tensor('float32', Float32Array.from(values), dims.length ? dims : [values.length]);
const list = (tensor: Tensor) => Array.from(tensor.data as ArrayLike<number | bigint>, Number);

function assertRefused(code: string, pattern: RegExp, body: () => unknown): void {
  assert.throws(
    body,
    (error: unknown) => error instanceof KerfError && error.code === code && pattern.test(error.message),
  );
}

describe('old operator sets', () => {
  it('Add before 7 broadcasts at an axis', () => {
    const a = floats(new Array<number>(12).fill(0), 2, 3, 2);
    const sum = run('Add', [a, floats([1, 2, 3])], 6, { broadcast: 1, axis: 1 });
    assert.deepEqual(list(sum), [1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3]);
    const whole = run('Add', [a, floats([1, 2, 3, 4, 5, 6], 2, 3)], 6, { broadcast: 1, axis: 0 });
    assert.deepEqual(list(whole), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]);
  });

  it('Softmax before 13 sums over all axes from one on, from 13 over one', () => {
    const x = floats(new Array<number>(8).fill(0), 2, 2, 2);
    assert.deepEqual(list(run('Softmax', [x], 12)), new Array(8).fill(0.25));
    assert.deepEqual(list(run('Softmax', [x], 12, { axis: 0 })), new Array(8).fill(0.125));
    assert.deepEqual(list(run('Softmax', [x], 13)), new Array(8).fill(0.5));
  });

  it('Clip before 11 has its bounds as attributes', () => {
    assert.deepEqual(list(run('Clip', [floats([-3, 0, 3])], 6, { min: -1, max: 2 })), [-1, 0, 2]);
    assert.deepEqual(list(run('Clip', [floats([-3, 3])], 10, { max: 2 })), [-3, 2]);
  });

  it('Reshape before 5 has its shape as an attribute', () => {
    assert.deepEqual(run('Reshape', [floats([1, 2, 3, 4])], 1, { shape: [2, -1] }).dims, [2, 2]);
  });

  it('Squeeze and Unsqueeze before 13, ReduceSum before 13: axes as attributes', () => {
    assert.deepEqual(run('Squeeze', [floats([1, 2], 1, 2, 1)], 11, { axes: [0] }).dims, [2, 1]);
    assert.deepEqual(run('Unsqueeze', [floats([1, 2])], 11, { axes: [0, 2] }).dims, [1, 2, 1]);
    assert.deepEqual(list(run('ReduceSum', [floats([1, 2, 3, 4], 2, 2)], 11, { axes: [0], keepdims: 0 })), [4, 6]);
  });

  it('Slice before 10 has attributes', () => {
    const x = floats([0, 1, 2, 3, 4, 5], 2, 3);
    assert.deepEqual(list(run('Slice', [x], 9, { starts: [1], ends: [9], axes: [1] })), [1, 2, 4, 5]);
  });

  it('Cast before 6 names its target', () => {
    const cast = run('Cast', [floats([1.9, -1.9])], 1, { to: 'INT32' });
    assert.equal(cast.type, 'int32');
    assert.deepEqual(list(cast), [1, -1]);
  });

  it('Concat before 4 joins along axis 1; PRelu before 7 has a slope per channel', () => {
    assert.deepEqual(run('Concat', [ramp(2, 1), ramp(2, 3)], 3).dims, [2, 4]);
    assertRefused('MODEL_INVALID', /axis/, () => run('Concat', [ramp(2, 1), ramp(2, 3)], 4));
    const x = floats([-1, -1, -1, -1, -1, -1], 1, 3, 2);
    assert.deepEqual(list(run('PRelu', [x, floats([1, 2, 3])], 6)), [-1, -1, -2, -2, -3, -3]);
  });
});

describe('dtypes', () => {
  it('integers wrap, and divide toward zero', () => {
    const i8 = (...values: number[]) => new Tensor('int8', Int8Array.from(values), [values.length]);
    assert.deepEqual(list(run('Add', [i8(127, -128), i8(1, -1)], 14)), [-128, 127]);
    assert.deepEqual(list(run('Div', [i8(-7, 7, 5), i8(2, -2, 0)], 14)), [-3, -3, 0]);
    const wide = run('Mul', [int64(2 ** 40 + 1), int64(2 ** 40 + 1)], 14);
    assert.equal((wide.data as BigInt64Array)[0], BigInt.asIntN(64, (2n ** 40n + 1n) ** 2n));
  });

  it('float16 rounds to nearest even, keeps infinities, and reads denormals', () => {
    const toHalf = (values: number[]) => list(run('Cast', [floats(values)], 13, { to: 10 }));
    assert.deepEqual(
      toHalf([1, -2, 65504, 65519, 65520, 2 ** -24, 2 ** -25, 1 + 2 ** -11, 1 + 3 * 2 ** -11]),
      [0x3c00, 0xc000, 0x7bff, 0x7bff, 0x7c00, 1, 0, 0x3c00, 0x3c02],
    );
    const bits = new Tensor('float16', Uint16Array.of(0x0001, 0x8000, 0x3555, 0xfc00), [4]);
    const numbers = list(run('Cast', [bits], 13, { to: 1 }));
    assert.deepEqual(numbers, [2 ** -24, -0, (1024 + 0x155) * 2 ** -12, Number.NEGATIVE_INFINITY]);
  });

  it('bfloat16 rounds to nearest even, keeps infinities and NaN, and reads denormals', () => {
    const toBits = (values: number[]) => list(run('Cast', [floats(values)], 13, { to: 16 }));
    assert.deepEqual(
      toBits([1, -2, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.4e38, Number.NEGATIVE_INFINITY, Number.NaN, -0]),
      [0x3f80, 0xc000, 0x3f80, 0x3f82, 0x7f80, 0xff80, 0x7fc0, 0x8000],
    );
    const bits = new Tensor('bfloat16', Uint16Array.of(0x0001, 0x8000, 0x4049), [3]);
    assert.deepEqual(list(run('Cast', [bits], 13, { to: 1 })), [2 ** -133, -0, 3.140625]);
    assert.deepEqual(list(run('CastLike', [bits, floats([0])], 15)), [2 ** -133, -0, 3.140625]);
    assert.deepEqual(list(run('Cast', [bits], 13, { to: 7 })), [0, 0, 3]);
  });

  it('Cast to integers truncates and saturates, NaN gives 0', () => {
    const x = floats([1.9, -1.9, 1e20, -1e20, Number.NaN]);
    assert.deepEqual(list(run('Cast', [x], 13, { to: 3 })), [1, -1, 127, -128, 0]);
    assert.deepEqual(list(run('Cast', [x], 13, { to: 2 })), [1, 0, 255, 0, 0]);
  });

  it('claims what the evaluators take: every listed dtype of every elementwise operator runs', () => {
    const elementwise = new Set(['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min', 'Equal', 'Less', 'Greater', 'Mod']);
    const sameAgain = new Set([
      'Abs',
      'Neg',
      'Sign',
      'Relu',
      'Identity',
      'Clip',
      'ReduceSum',
      'ReduceMax',
      'ReduceProd',
    ]);
    let runs = 0;
    for (const { name, domain, opsets, dtypes } of listOperators()) {
      const arity = elementwise.has(name) ? 2 : sameAgain.has(name) ? 1 : 0;
      if (domain !== '' || arity === 0) continue;
      for (const dtype of dtypes) {
        const one = oneOf(dtype);
        const y = run(name, arity === 2 ? [one, one] : [one], opsets[1]);
        assert.equal(y.size, 1, `${name} of ${dtype}`);
        runs++;
      }
    }
    assert.ok(runs > 100, `got ${runs} runs`);
  });
});

function oneOf(dtype: DType): Tensor {
  const cast = findOperator({ op: 'Cast', domain: '' }, 13)!;
  const numbers: Record<string, number> = { float32: 1, uint8: 2, int8: 3, uint16: 4, int16: 5, int32: 6, int64: 7 };
  const more: Record<string, number> = { bool: 9, float16: 10, float64: 11, uint32: 12, uint64: 13, bfloat16: 16 };
  return cast.evaluate(node('Cast', ['x'], 'y', { to: numbers[dtype] ?? more[dtype] }), [floats([1])], 13)[0];
}

describe('refusals', () => {
  const infer = (
    op: string,
    dims: readonly (readonly (number | string)[])[],
    attributes = {},
    dtype: DType = 'float32',
  ) => {
    const inputs = dims.map((one, i) => port(`i${i}`, one, dtype));
    const names = inputs.map(({ name }) => name);
    return inferFacts(graphOf({ inputs, outputs: ['y'], nodes: [node(op, names, 'y', attributes)] }));
  };

  it('names the node, the shapes and the rule', () => {
    assertRefused(
      'SHAPE_MISMATCH',
      /^node "y" \(MatMul\): inner dimensions differ: got \[32, 784\] x \[800, 10\]/,
      () =>
        infer('MatMul', [
          [32, 784],
          [800, 10],
        ]),
    );
    assertRefused('SHAPE_MISMATCH', /^node "y" \(Gemm\): .* expected A\[1\] = B\[1\]/, () =>
      infer(
        'Gemm',
        [
          [2, 3],
          [5, 4],
        ],
        { transB: 1 },
      ),
    );
    assertRefused('SHAPE_MISMATCH', /do not broadcast/, () => infer('Add', [[2], [3]]));
  });

  it('slices open axes by one element, to one, or by as many as an input has, and refuses what a size decides', () => {
    const sliced = (starts: number, ends: number | string, from = 'x') => {
      const graph = graphOf({
        inputs: [port('x', ['n', 't'])],
        outputs: ['y'],
        nodes: [
          node('Shape', ['x'], 's'),
          node('Slice', ['s', 'one', 'two'], 'length'),
          node('Slice', [from, 'starts', typeof ends === 'string' ? ends : 'ends', 'one'], 'y'),
        ],
        constants: {
          ...{ one: int64(1), two: int64(2), table: ramp(1, 6) },
          ...{ starts: int64(starts), ends: int64(typeof ends === 'string' ? 0 : ends) },
        },
      });
      return inferFacts(graph).get('y')!.shape[1];
    };
    const end = Number.MAX_SAFE_INTEGER;
    assert.deepEqual(sliced(0, end), [[1, 't']]);
    assert.deepEqual(
      [sliced(1, end), sliced(0, -1)],
      [
        [[1, 't'], [-1]],
        [[1, 't'], [-1]],
      ],
    );
    assert.deepEqual([sliced(0, 'length'), sliced(0, 'length', 'table')], [[[1, 't']], [[1, 't']]]);
    assert.equal(sliced(-1, end), 1);
    for (const body of [() => sliced(2, end), () => sliced(1, -1), () => sliced(0, 3)]) {
      assertRefused('SHAPE_UNSUPPORTED', /slice of a symbolic axis: got \[t\]/, body);
    }
  });

  it('tells symbolic sizes that depend on the run from wrong ones', () => {
    assertRefused('SHAPE_UNSUPPORTED', /do not broadcast/, () => infer('Add', [['n'], [3]]));
    assertRefused('SHAPE_UNSUPPORTED', /input 1 \("i1"\)/, () => {
      const inputs = [port('i0', ['n']), port('i1', [1], 'int64')];
      inferFacts(graphOf({ inputs, outputs: ['y'], nodes: [node('Reshape', ['i0', 'i1'], 'y')] }));
    });
  });

  it('refuses dtypes, attributes and missing inputs by name', () => {
    assertRefused('DTYPE_UNSUPPORTED', /got bool, expected one of float32/, () => infer('Exp', [[2]], {}, 'bool'));
    assertRefused('MODEL_INVALID', /axis: got 5, expected -2..1/, () => infer('Softmax', [[2, 3]], { axis: 5 }));
    assertRefused('MODEL_INVALID', /attribute "axis": got one/, () => infer('Softmax', [[2, 3]], { axis: 'one' }));
    assertRefused('MODEL_INVALID', /input 1 is missing/, () => infer('MatMul', [[2, 3]]));
    assertRefused('MODEL_INVALID', /perm/, () => infer('Transpose', [[2, 3]], { perm: [0, 0] }));
  });

  it('names all unknown operators at once', () => {
    const nodes = [
      node('Foo', ['x'], 'a'),
      { ...node('Bar', ['a'], 'b'), domain: 'com.acme' },
      node('HardSwish', ['b'], 'y'),
    ];
    const graph = graphOf({ inputs: [port('x', [1])], outputs: ['y'], nodes, opset: 13 });
    assertRefused('OPERATOR_UNSUPPORTED', /opset 13: got Foo, HardSwish, com.acme.Bar/, () => requireSupported(graph));
  });

  it('refuses a result that would not fit anywhere', () => {
    const nodes = [node('ConstantOfShape', ['s'], 'y')];
    const graph = graphOf({ inputs: [], outputs: ['y'], nodes, constants: { s: int64(2 ** 20, 2 ** 20) } });
    assertRefused('MODEL_LIMIT', /too large/, () => inferFacts(graph));
  });

  it('refuses constants that a short file grows without bound', () => {
    const names = Array.from({ length: 20 }, (_, i) => `s${i}`);
    const nodes = names.map((name, i) => node('ConstantOfShape', [name], `c${i}`));
    const constants = Object.fromEntries(names.map((name) => [name, int64(2 ** 13, 2 ** 10)]));
    const graph = graphOf({ inputs: [], outputs: ['c0'], nodes, constants });
    assertRefused('MEMORY_LIMIT', /constants grow too large/, () => inferFacts(graph));
  });
});
