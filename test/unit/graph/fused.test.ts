/** Operators that onnxruntime fuses, beside what onnxruntime computes (test/golden/fused). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalise } from '../../../src/graph/canonicalise.js';
import type { Graph } from '../../../src/graph/graph.js';
import { unsupportedOperators } from '../../../src/graph/infer.js';
import { createSessionFromModel } from '../../../src/pipeline.js';
import { buildPlan } from '../../../src/plan/index.js';
import type { KerfError } from '../../../src/runtime/errors.js';
import { type DType, Tensor } from '../../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../../src/runtime/wasm-executor.js';
import { fusedCases } from '../../support/fused-cases.js';
import { graphOf, node, port } from '../../support/graph.js';
import { Random } from '../../support/random.js';

interface Expected {
  readonly type: DType;
  readonly dims: readonly number[];
  readonly data: readonly number[];
}

const file = join(dirname(fileURLToPath(import.meta.url)), '../../../../test/golden/fused/expected.json');
const expected = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, Expected>>;

/** Without reference steps, which would be refused. */
function run(graph: Graph, feeds: Readonly<Record<string, Tensor>>) {
  return createWasmExecutor(buildPlan(canonicalise(graph))).runSync(feeds, {});
}

const numbers = (tensor: Tensor) => Array.from(tensor.data as ArrayLike<number | bigint>, Number);

/** Both round to float32 in orders of their own; bytes may differ by one where a number lies between two. */
function checkClose(got: Tensor, { type, dims, data }: Expected): void {
  assert.equal(got.type, type);
  assert.deepEqual(got.dims, dims);
  const largest = Math.max(...data.map(Math.abs));
  const isByte = type === 'uint8' || type === 'int8';
  const bound = isByte ? 1 : type === 'float32' ? 1e-5 * largest : 0;
  const worst = Math.max(...numbers(got).map((value, i) => Math.abs(value - data[i])));
  assert.ok(worst <= bound, `off by ${worst}, at most ${bound}`);
  const other = numbers(got).filter((value, i) => value !== data[i]).length;
  if (isByte) assert.ok(other <= data.length / 20, `${other} bytes of ${data.length} differ`);
}

describe('fused operators', () => {
  it('have a case each in the golden file, and none besides', () => {
    assert.deepEqual(
      fusedCases.map(({ name }) => name),
      Object.keys(expected),
    );
  });

  for (const { name, graph, feeds } of fusedCases) {
    it(`${name} is what onnxruntime computes`, () => {
      assert.deepEqual(unsupportedOperators(graph), []);
      const outputs = run(graph, feeds);
      assert.deepEqual(Object.keys(outputs).sort(), Object.keys(expected[name]).sort());
      for (const [output, value] of Object.entries(expected[name])) checkClose(outputs[output], value);
    });
  }

  it('take weights of an LSTM as the numbers that their bytes stand for', () => {
    const random = new Random(4);
    const bytesOf = (...dims: number[]) => {
      const size = dims.reduce((product, dim) => product * dim, 1);
      return new Tensor(
        'int8',
        Int8Array.from({ length: size }, () => random.integer(-128, 127)),
        dims,
      );
    };
    const [units, size] = [3, 4];
    const [w, r] = [bytesOf(2, size, 4 * units), bytesOf(2, units, 4 * units)];
    const scales = [new Tensor('float32', random.floats(2), [2]), new Tensor('float32', random.floats(24), [2, 12])];
    const zero = new Tensor('int8', Int8Array.of(5, -7), [2]);
    const bias = new Tensor('float32', random.floats(2 * 8 * units), [2, 8 * units]);
    const turned = (bytes: Tensor, scale: Tensor, zeros: readonly number[]) => {
      const [, rows, columns] = bytes.dims;
      const data = new Float32Array(bytes.size);
      for (let d = 0; d < 2; d++) {
        for (let row = 0; row < rows; row++) {
          for (let column = 0; column < columns; column++) {
            const factor = (scale.data as Float32Array)[scale.dims.length === 1 ? d : d * columns + column];
            const byte = (bytes.data as Int8Array)[(d * rows + row) * columns + column];
            data[(d * columns + column) * rows + row] = (byte - zeros[d]) * factor;
          }
        }
      }
      return new Tensor('float32', data, [2, columns, rows]);
    };
    const inputs = [port('x', [5, 1, size])];
    const attributes = { hidden_size: units, direction: 'bidirectional' };
    const constants = { w, r, b: bias, ws: scales[0], wz: zero, rs: scales[1] };
    const names = ['x', 'w', 'r', 'b', '', '', '', '', 'ws', 'wz', 'rs'];
    const fused = graphOf({
      inputs,
      outputs: ['y', 'h'],
      nodes: [node('com.microsoft.DynamicQuantizeLSTM', names, ['y', 'h'], attributes)],
      constants,
    });
    const plain = graphOf({
      inputs,
      outputs: ['y', 'h'],
      nodes: [node('LSTM', ['x', 'w', 'r', 'b'], ['y', 'h'], attributes)],
      constants: { w: turned(w, scales[0], [5, -7]), r: turned(r, scales[1], [0, 0]), b: bias },
    });
    const x = new Tensor('float32', random.floats(5 * size), [5, 1, size]);
    assert.deepEqual(run(fused, { x }), run(plain, { x }));
  });

  it('leave the lengths of sequences open', () => {
    const graph = graphOf({
      inputs: [port('x', ['n', 't', 4]), port('seen', ['n', 't'], 'int32')],
      outputs: ['y'],
      nodes: [node('com.microsoft.Attention', ['x', 'w', '', 'seen'], 'y', { num_heads: 2 })],
      constants: { w: new Tensor('float32', new Random(1).floats(48), [4, 12]) },
    });
    const plan = buildPlan(canonicalise(graph));
    assert.deepEqual(
      plan.steps.filter(({ kind }) => kind === 'reference' || kind === 'softmax'),
      [],
    );
    const executor = createWasmExecutor(plan);
    for (const [rows, length] of [
      [1, 2],
      [2, 5],
    ]) {
      const x = new Tensor('float32', new Random(2).floats(rows * length * 4), [rows, length, 4]);
      const seen = new Tensor('int32', new Int32Array(rows * length).fill(1), [rows, length]);
      assert.deepEqual(executor.runSync({ x, seen }, {}).y.dims, [rows, length, 4]);
    }
  });

  it('take keys of a past of any length on one plan, and refuse rows of several lengths', () => {
    const random = new Random(3);
    const floats = (...dims: readonly number[]) => {
      const size = dims.reduce((product, dim) => product * dim, 1);
      return new Tensor('float32', random.floats(size), dims);
    };
    const graph = graphOf({
      inputs: [
        ...[port('q', ['b', 's', 32]), port('k', ['b', 's', 16]), port('v', ['b', 's', 16])],
        ...[port('pastK', ['b', 2, 'p', 8]), port('pastV', ['b', 2, 'p', 8])],
        port('last', ['b'], 'int32'),
      ],
      outputs: ['y', 'K', 'V'],
      nodes: [
        node(
          'com.microsoft.GroupQueryAttention',
          ['q', 'k', 'v', 'pastK', 'pastV', 'last', 'total', 'cos', 'sin'],
          ['y', 'K', 'V'],
          { num_heads: 4, kv_num_heads: 2, do_rotary: 1 },
        ),
      ],
      constants: { total: new Tensor('int32', Int32Array.of(0), []), cos: floats(9, 4), sin: floats(9, 4) },
    });
    assert.deepEqual(buildPlan(canonicalise(graph)).symbols, ['b', 's', 'p']);
    const session = createSessionFromModel({ graph, format: 'onnx', sha256: '' } as never, { executor: 'wasm' });
    const rows = { q: floats(2, 7, 32), k: floats(2, 7, 16), v: floats(2, 7, 16) };
    const piece = ({ data, dims }: Tensor, from: number, count: number) => {
      const [, length, width] = dims;
      const parts = [0, 1].flatMap((b) => [
        ...(data as Float32Array).subarray((b * length + from) * width, (b * length + from + count) * width),
      ]);
      return new Tensor('float32', Float32Array.from(parts), [2, count, width]);
    };
    const step = (from: number, count: number, past: readonly Tensor[], lasts = [from + count - 1, from + count - 1]) =>
      session.runSync({
        ...{ q: piece(rows.q, from, count), k: piece(rows.k, from, count), v: piece(rows.v, from, count) },
        ...{ pastK: past[0], pastV: past[1], last: new Tensor('int32', Int32Array.from(lasts), [2]) },
      });
    const none = [floats(2, 2, 0, 8), floats(2, 2, 0, 8)];
    const whole = step(0, 7, none).y;
    let past: readonly Tensor[] = none;
    let from = 0;
    for (const count of [3, 1, 2, 1]) {
      const { y, K, V } = step(from, count, past);
      const wanted = piece(whole, from, count).data as Float32Array;
      for (const [i, value] of wanted.entries()) {
        assert.ok(Math.abs((y.data[i] as number) - value) <= 2e-6, `${y.data[i]}, ${value}`);
      }
      [past, from] = [[K, V], from + count];
    }
    assert.throws(() => step(0, 2, none, [1, 0]), { code: 'DATA_INVALID' });
    assert.throws(() => step(0, 2, none, [2, 2]), { code: 'DATA_INVALID' });
  });

  it('refuse forms that are left out, by name', () => {
    const x = port('x', [1, 3, 4]);
    const refused = (nodes: Graph['nodes'], constants: Readonly<Record<string, Tensor>>, problem: RegExp) => {
      const graph = graphOf({ inputs: [x], outputs: ['y'], nodes, constants });
      assert.throws(
        () => canonicalise(graph),
        (error: KerfError) => error.code === 'OPERATOR_UNSUPPORTED' && problem.test(error.message),
      );
    };
    const w = new Tensor('float32', new Float32Array(48), [4, 12]);
    const past = new Tensor('float32', new Float32Array(8), [2, 1, 2, 1, 2]);
    const attention = node('com.microsoft.Attention', ['x', 'w', '', '', 'past'], 'y', { num_heads: 2 });
    refused([attention], { w, past }, /got past keys, expected none/);
    const gemm = node('com.microsoft.FusedGemm', ['a', 'w'], 'y', { activation: 'Mish' });
    refused([node('Squeeze', ['x'], 'a'), gemm], { w }, /got activation "Mish"/);
  });
});
