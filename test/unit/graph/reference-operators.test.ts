/** What operators without kernels, or with rare ones, refuse; the conformance cases show their values. */
import assert from 'node:assert/strict';
import type { Attribute } from '../../../src/graph/graph.js';
import { inferFacts } from '../../../src/graph/infer.js';
import { findOperator } from '../../../src/graph/operators/index.js';
import { buildPlan } from '../../../src/plan/index.js';
import { KerfError } from '../../../src/runtime/errors.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../../src/runtime/wasm-executor.js';
import { graphOf, int64, node, port, ramp } from '../../support/graph.js';

type Attributes = Readonly<Record<string, Attribute>>;

function run(op: string, inputs: readonly Tensor[], attributes: Attributes = {}, opset = 17): Tensor {
  const names = inputs.map((_, i) => `i${i}`);
  const constants = Object.fromEntries(inputs.map((tensor, i) => [`i${i}`, tensor]));
  const nodes = [node(op, names, 'y', attributes)];
  return inferFacts(graphOf({ inputs: [], outputs: ['y'], nodes, constants, opset })).get('y')!.constant!;
}

function refused(code: string, pattern: RegExp, op: string, inputs: readonly Tensor[], attributes: Attributes = {}) {
  assert.throws(
    () => run(op, inputs, attributes),
    (error: unknown) => error instanceof KerfError && error.code === code && pattern.test(error.message),
    op,
  );
}

const list = (tensor: Tensor) => Array.from(tensor.data as ArrayLike<number | bigint>, Number);

/** The same node by its kernels: `x` is an input of the graph. */
function runLowered(op: string, x: Tensor, others: readonly Tensor[], attributes: Attributes): Tensor {
  const constants = Object.fromEntries(others.map((tensor, i) => [`c${i}`, tensor]));
  const nodes = [node(op, ['x', ...Object.keys(constants)], 'y', attributes)];
  const plan = buildPlan(graphOf({ inputs: [port('x', x.dims, x.type)], outputs: ['y'], nodes, constants }));
  assert.ok(
    plan.steps.every(({ kind }) => kind !== 'reference'),
    op,
  );
  return createWasmExecutor(plan).runSync({ x }, {}).y;
}

describe('operators of the reference', () => {
  it('refuse indices and classes outside of their axis', () => {
    refused('DATA_INVALID', /index: got 3, expected -3..2/, 'GatherElements', [ramp(3), int64(3)]);
    refused('DATA_INVALID', /index: got -4/, 'GatherND', [ramp(3), int64(-4)]);
    refused('DATA_INVALID', /index: got 9/, 'ScatterElements', [ramp(3), int64(9), ramp(1)]);
    refused('DATA_INVALID', /class: got 3, expected 0..2/, 'NegativeLogLikelihoodLoss', [ramp(1, 3), int64(3)]);
  });

  it('refuse shapes that do not fit', () => {
    refused('SHAPE_MISMATCH', /indices: got \[2,1\] for \[3\]/, 'GatherElements', [
      ramp(3),
      int64(0, 1).reshape([2, 1]),
    ]);
    refused('SHAPE_MISMATCH', /at most 1 a row/, 'GatherND', [ramp(3), int64(0, 1)]);
    refused('SHAPE_MISMATCH', /updates: got \[2\], expected \[1\]/, 'ScatterElements', [ramp(3), int64(0), ramp(2)]);
    refused('SHAPE_MISMATCH', /expected \[N, C, ..\]/, 'SoftmaxCrossEntropyLoss', [
      ramp(2, 3),
      int64(0, 1).reshape([2, 1]),
    ]);
    refused('SHAPE_MISMATCH', /one number a channel/, 'InstanceNormalization', [ramp(1, 2, 3), ramp(3), ramp(3)]);
    refused('SHAPE_MISMATCH', /matrix/, 'Trilu', [ramp(3)]);
    refused('SHAPE_MISMATCH', /k: got 5/, 'TopK', [ramp(3), int64(5)]);
    refused('SHAPE_MISMATCH', /after padding/, 'Pad', [ramp(3), int64(-2, -2)]);
    refused('SHAPE_MISMATCH', /expected x \[N, C, ..\], W \[C/, 'ConvTranspose', [ramp(1, 2, 3), ramp(3, 1, 2)]);
    refused('SHAPE_MISMATCH', /scale: got 2 numbers/, 'QuantizeLinear', [ramp(2, 3), ramp(2)]);
  });

  it('refuse modes and lists that they do not know', () => {
    refused('MODEL_INVALID', /mode: got "wrap"/, 'Pad', [ramp(3), int64(1, 1)], { mode: 'wrap' });
    refused('MODEL_INVALID', /pads: got \[1\]/, 'Pad', [ramp(3), int64(1)]);
    refused('MODEL_INVALID', /reduction: got "max"/, 'ScatterElements', [ramp(3), int64(0), ramp(1)], {
      reduction: 'max',
    });
    const scales = [ramp(1, 1, 2, 2), ramp(0), new Tensor('float32', Float32Array.of(1, 1, 2, 2), [4])];
    refused('MODEL_INVALID', /nearest_mode/, 'Resize', scales, { nearest_mode: 'up' });
    refused('MODEL_INVALID', /coordinate_transformation_mode/, 'Resize', scales, {
      coordinate_transformation_mode: 'x',
    });
    refused('MODEL_INVALID', /mode: got "area"/, 'Resize', scales, { mode: 'area' });
    refused('MODEL_INVALID', /expected 4 numbers/, 'Resize', [ramp(1, 1, 2, 2), ramp(0), ramp(3)]);
  });

  it('refuse what their own rules forbid', () => {
    refused('SHAPE_MISMATCH', /blocks of 2/, 'DepthToSpace', [ramp(1, 3, 2, 2)], { blocksize: 2 });
    refused('SHAPE_MISMATCH', /blocks of 2/, 'SpaceToDepth', [ramp(1, 1, 3, 2)], { blocksize: 2 });
    refused('SHAPE_MISMATCH', /expected one a sequence/, 'ReverseSequence', [ramp(2, 3), int64(1, 1)]);
    refused('MODEL_INVALID', /depth: got 0/, 'OneHot', [int64(0), int64(0), ramp(2)]);
    refused('DATA_INVALID', /index: got 40/, 'MaxUnpool', [ramp(1, 1, 1, 1), int64(40).reshape([1, 1, 1, 1])], {
      kernel_shape: [2, 2],
    });
    refused('SHAPE_MISMATCH', /\[N, B, 4\] and \[N, C, B\]/, 'NonMaxSuppression', [ramp(1, 2, 4), ramp(1, 1, 3)]);
    refused('MODEL_INVALID', /a label an axis/, 'Einsum', [ramp(2, 2)], { equation: 'i->i' });
    refused('MODEL_INVALID', /in the result alone/, 'Einsum', [ramp(2)], { equation: 'i->j' });
    refused('SHAPE_MISMATCH', /axes "i"/, 'Einsum', [ramp(2), ramp(3)], { equation: 'i,i->' });
    refused('MODEL_LIMIT', /products/, 'Einsum', [ramp(300), ramp(300), ramp(300)], { equation: 'i,j,k->' });
    refused('MODEL_INVALID', /pool: got none/, 'TfIdfVectorizer', [int64(1)]);
    refused('SHAPE_MISMATCH', /square/, 'Det', [ramp(2, 3)]);
    refused('MODEL_INVALID', /size: got -1/, 'HannWindow', [int64(-1).reshape([])]);
    refused('SHAPE_MISMATCH', /an axis before the last/, 'DFT', [ramp(1, 4, 3)]);
    refused('SHAPE_MISMATCH', /in frames of 9/, 'STFT', [ramp(1, 8, 1), int64(1).reshape([]), ramp(9)]);
    refused('MODEL_INVALID', /"wide" with padding/, 'GridSample', [ramp(1, 1, 2, 2), ramp(1, 1, 1, 2)], {
      mode: 'wide',
    });
    refused('SHAPE_MISMATCH', /\[N, H, W, 2\]/, 'GridSample', [ramp(1, 1, 2, 2), ramp(1, 1, 1, 3)]);
    refused('SHAPE_MISMATCH', /\[R, 4\]/, 'RoiAlign', [ramp(1, 1, 2, 2), ramp(1, 3), int64(0)]);
  });

  it('refuse updates of weights whose inputs do not come in whole sets', () => {
    const op = 'ai.onnx.preview.training.Adagrad';
    const named = (inputs: readonly Tensor[]) => {
      const names = inputs.map((_, i) => `i${i}`);
      const one = { ...node('Adagrad', names, 'y'), domain: 'ai.onnx.preview.training' };
      const constants = Object.fromEntries(inputs.map((tensor, i) => [`i${i}`, tensor]));
      return inferFacts(graphOf({ inputs: [], outputs: ['y'], nodes: [one], constants }));
    };
    const [rate, step] = [ramp(1).reshape([]), int64(1).reshape([])];
    assert.throws(() => named([rate, step, ramp(2), ramp(2)]), { code: 'MODEL_INVALID' }, op);
    assert.throws(() => named([rate, step, ramp(2), ramp(3), ramp(2)]), { code: 'SHAPE_MISMATCH' }, op);
    // 0.5 and 0.5 with a gradient of 0.5: the squares are 0.5 + 0.25.
    const value = list(named([rate, step, ramp(1), ramp(1), ramp(1)]).get('y')!.constant!)[0];
    assert.ok(Math.abs(value - (0.5 - 0.25 / (Math.sqrt(0.75) + 1e-6))) < 2 ** -24);
  });

  it('give the ends of an integer dtype for the extremes of nothing, places of a scalar, and no more than there is', () => {
    const result = (op: string, x: Tensor, others: readonly Tensor[] = [], attributes: Attributes = {}) =>
      findOperator({ op, domain: '' }, 18)!.evaluate(node(op, ['x', 'a'], 'y', attributes), [x, ...others], 18)[0];
    const nothing = new Tensor('int8', new Int8Array(0), [2, 0]);
    assert.deepEqual([...result('ReduceMax', nothing, [int64(1)]).data], [-128, -128]);
    assert.deepEqual([...result('ReduceMin', nothing, [int64(1)]).data], [127, 127]);
    const place = result('NonZero', new Tensor('bool', Uint8Array.of(1), []));
    assert.deepEqual([place.dims, [...place.data]], [[1, 1], [0n]]);
    const long = new Tensor('bool', Uint8Array.of(1, 0, 1), [3]);
    assert.throws(() => result('Compress', ramp(2), [long]), { code: 'DATA_INVALID' });
  });

  it('need values that are known, where these decide a shape', () => {
    for (const op of ['NonZero', 'Unique']) {
      const graph = graphOf({ inputs: [port('x', [3])], outputs: ['y'], nodes: [node(op, ['x'], 'y')] });
      assert.throws(() => inferFacts(graph), { code: 'SHAPE_UNSUPPORTED' });
    }
  });

  it('have the values of their kernels: Pad, Resize, ConvTranspose, BatchNormalization, DepthToSpace', () => {
    const scales = (...values: number[]) => new Tensor('float32', Float32Array.from(values));
    const cases: readonly [op: string, x: Tensor, others: readonly Tensor[], attributes?: Attributes][] = [
      ['Pad', ramp(2, 3), [int64(1, 0, 2, 1), new Tensor('float32', Float32Array.of(7), [])]],
      ['Pad', ramp(2, 3), [int64(1, 0, 2, 7)], { mode: 'reflect' }],
      ['Pad', ramp(2, 3, 4), [int64(0, -1, 2, 0, 3, -1)], { mode: 'edge' }],
      ['Pad', int64(1, 2, 3), [int64(2, 1)], { mode: 'reflect' }],
      ['Resize', ramp(1, 2, 3, 2), [ramp(0), scales(1, 1, 2, 1.5)]],
      // Weights are halves, quarters and parts of 256.
      ['Resize', ramp(1, 2, 3, 2), [ramp(0), scales(1, 1, 2, 0.5)], { mode: 'linear' }],
      ['Resize', ramp(1, 2, 3, 2), [ramp(0), scales(1, 1, 2, 0.5)], { mode: 'cubic' }],
      [
        'Resize',
        ramp(1, 2, 3, 2),
        [ramp(0), scales(1, 1, 2, 2)],
        { mode: 'cubic', coordinate_transformation_mode: 'asymmetric' },
      ],
      [
        'Resize',
        ramp(3, 2),
        [ramp(0), ramp(0), int64(5, 3)],
        { mode: 'linear', coordinate_transformation_mode: 'align_corners' },
      ],
      [
        'ConvTranspose',
        ramp(1, 4, 3, 2),
        [ramp(4, 3, 3, 2), ramp(6)],
        { group: 2, strides: [2, 3], pads: [1, 0, 1, 1] },
      ],
      ['ConvTranspose', ramp(1, 2, 3), [ramp(2, 1, 3)], { dilations: [2], output_padding: [0] }],
      [
        'BatchNormalization',
        ramp(2, 1, 3),
        [1, 2, 3, 4].map((value) => new Tensor('float32', Float32Array.of(value), [1])),
      ],
    ];
    for (const [op, x, others, attributes = {}] of cases) {
      const [got, wanted] = [runLowered(op, x, others, attributes), run(op, [x, ...others], attributes)];
      assert.deepEqual(got.dims, wanted.dims, op);
      // Quarters whose sums stay below 2^14: products and sums are exact, but for the root of BatchNormalization.
      const slack = op === 'BatchNormalization' ? 2 ** -20 : 0;
      const off = list(got).findIndex((value, i) => Math.abs(value - list(wanted)[i]) > slack * Math.abs(value));
      assert.equal(off, -1, `${op}[${off}]: got ${list(got)[off]}, expected ${list(wanted)[off]}`);
    }
  });

  it('compute in old operator sets: TopK by attribute, Pad by attribute, Upsample by scales', () => {
    assert.deepEqual(list(run('TopK', [ramp(4)], { k: 2 }, 9)), [2, 0.5]);
    assert.deepEqual(list(run('Pad', [ramp(2)], { pads: [1, 1], value: 3 }, 10)), [3, 0.5, -1.25, 3]);
    assert.deepEqual(list(run('Upsample', [ramp(2)], { scales: [2] }, 7)), [0.5, 0.5, -1.25, -1.25]);
  });

  it('reflect more often than once where the padding is longer than the axis', () => {
    const x = new Tensor('float32', Float32Array.of(1, 2, 3), [3]);
    assert.deepEqual(list(run('Pad', [x, int64(3, 5)], { mode: 'reflect' })), [2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2]);
  });
});
