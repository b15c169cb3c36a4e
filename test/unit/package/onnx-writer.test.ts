import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { bucketIdsTensor } from '../../../src/demo/index.js';
import { createSession } from '../../../src/executors/index.js';
import type { Attribute, Graph } from '../../../src/graph/graph.js';
import { canonicalise } from '../../../src/graph/index.js';
import { loadModel, readOnnx } from '../../../src/model/index.js';
import { encodeOnnx } from '../../../src/package/onnx-writer.js';
import { buildPlan, runReference } from '../../../src/plan/index.js';
import type { KerfError } from '../../../src/runtime/errors.js';
import type { Feeds } from '../../../src/runtime/executor.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { graphOf, node, port, ramp } from '../../support/graph.js';

/** Runs a graph on the calling thread. */
function run(graph: Graph, feeds: Feeds) {
  const plan = buildPlan(canonicalise(graph));
  const session = createSession(plan, null, { threads: 1, executor: 'wasm', runReference });
  return session.runSync(feeds);
}

const rewritten = (graph: Graph) => readOnnx(encodeOnnx(graph)).graph;
const domains = (graph: Graph) => new Set(graph.nodes.map(({ domain }) => domain));

describe('encodeOnnx', () => {
  it('writes back what it read', async () => {
    for (const name of ['digits', 'digits-init']) {
      const { graph } = await loadModel(`test/golden/digits/${name}.onnx`);
      assert.deepEqual(rewritten(graph), graph);
    }
  });

  it('writes the same bytes each time', () => {
    const { graph } = readOnnx(readFileSync('test/golden/digits/digits.onnx'));
    assert.deepEqual(encodeOnnx(graph), encodeOnnx(graph));
  });

  it('keeps every kind of attribute, dtype and shape', () => {
    const attributes: Record<string, Attribute> = {
      alpha: 1,
      axis: -1,
      end: 2n ** 63n - 1n,
      mode: 'linear',
      ints: [1, -2],
      scales: [1, 2.5],
      texts: ['a', '\u00e9'],
      value: new Tensor('int64', BigInt64Array.of(-5n), [1]),
    };
    const typed = (['float16', 'bool', 'int8', 'uint64', 'float64'] as const).map((type) => {
      const data = {
        float16: Uint16Array,
        bool: Uint8Array,
        int8: Int8Array,
        uint64: BigUint64Array,
        float64: Float64Array,
      };
      return [type, new Tensor(type, new data[type](3) as never, [3, 1])] as const;
    });
    const graph = graphOf({
      inputs: [port('x', ['n', 4, 'm'])],
      outputs: ['y'],
      nodes: [node('Relu', ['x'], 'y', attributes)],
      constants: { empty: new Tensor('float32', new Float32Array(0), [0, 2]), ...Object.fromEntries(typed) },
    });
    assert.deepEqual(rewritten(graph), graph);
  });

  it('keeps subgraphs', () => {
    const branch = (op: string) => ({ ...graphOf({ inputs: [], outputs: ['b'], nodes: [node(op, ['x'], 'b')] }) });
    const bytes = () => {
      const graph = graphOf({
        inputs: [port('c', [], 'bool'), port('x', [2])],
        outputs: ['y'],
        nodes: [node('Identity', ['x'], 'y', { then_branch: branch('Neg'), else_branch: branch('Abs') })],
      });
      return { graph, read: rewritten(graph) };
    };
    const { graph, read } = bytes();
    assert.deepEqual(read.nodes[0].attributes.get('then_branch'), graph.nodes[0].attributes.get('then_branch'));
  });

  it('says layers in standard operators, with the same answers to the bit', async () => {
    const { graph } = await loadModel('test/golden/digits/digits.onnx');
    const canonical = canonicalise(graph);
    assert(domains(canonical).has('kerf'));
    const standard = rewritten(canonical);
    assert.deepEqual(domains(standard), new Set(['']));
    assert.deepEqual([standard.inputs, standard.outputs], [graph.inputs, graph.outputs]);
    for (const [name, tensor] of graph.initializers) assert.deepEqual(standard.initializers.get(name), tensor);
    const x = new Tensor(
      'float32',
      Float32Array.from({ length: 3 * 784 }, (_, i) => ((i * 37) % 101) / 100),
      [3, 784],
    );
    assert.deepEqual(run(standard, { x }), run(graph, { x }));
  });

  it('writes layers of any rank, with and without bias and bounds', () => {
    const spec = fc.record({
      rank: fc.integer({ min: 2, max: 4 }),
      hasBias: fc.boolean(),
      lo: fc.constantFrom(undefined, 0, -1),
      hi: fc.constantFrom(undefined, 6),
      opset: fc.constantFrom(9, 11, 13, 17),
    });
    fc.assert(
      fc.property(spec, ({ rank, hasBias, lo, hi, opset }) => {
        const dims = [...Array<number>(rank - 1).fill(2), 3];
        const bounds = { ...(lo !== undefined && { lo }), ...(hi !== undefined && { hi }) };
        const graph = graphOf({
          inputs: [port('x', dims)],
          outputs: ['y'],
          nodes: [node('kerf.Linear', ['x', 'w', ...(hasBias ? ['b'] : [])], 'y', bounds)],
          constants: { w: ramp(5, 3), ...(hasBias && { b: ramp(5) }) },
          opset,
        });
        const standard = rewritten(graph);
        assert.deepEqual(domains(standard), new Set(['']));
        assert.equal(standard.opset, opset);
        assert.deepEqual(run(standard, { x: ramp(...dims) }), run(graph, { x: ramp(...dims) }));
      }),
      { numRuns: 60 },
    );
  });

  it('writes embedding bags, padding and empty bags included', () => {
    const ids = new Tensor('int32', Int32Array.of(0, 2, -1, 1, 1, 3, -1, -7, -1), [3, 3]);
    for (const mode of ['sum', 'mean']) {
      for (const bias of [[], ['b']]) {
        const graph = graphOf({
          inputs: [port('ids', ['batch', 'length'], 'int32')],
          outputs: ['y'],
          nodes: [node('kerf.EmbeddingBag', ['ids', 'table', ...bias], 'y', { mode })],
          constants: { table: ramp(4, 2), ...(bias.length && { b: ramp(2) }) },
        });
        const [found, expected] = [rewritten(graph), graph].map((each) => run(each, { ids }).y);
        assert.deepEqual(domains(rewritten(graph)), new Set(['']));
        assert.deepEqual(found.dims, expected.dims);
        // Sums of at most three exact numbers; a mean rounds once.
        found.data.forEach((value, i) => {
          assert(Math.abs(Number(value) - Number(expected.data[i])) <= 1e-6 * Math.abs(Number(value)));
        });
      }
    }
  });

  it("writes VS Code's language detector, which then gives the package's own answers", async () => {
    const { graph, labels } = await loadModel('node_modules/@vscode/vscode-languagedetection/model/model.json');
    const standard = rewritten(canonicalise(graph));
    assert.deepEqual(domains(standard), new Set(['']));
    const cases = JSON.parse(readFileSync('test/golden/language-detector/expected.json', 'utf8')) as {
      text: string;
      probabilities: Record<string, number>;
    }[];
    const few = cases.filter(({ text }) => text.length < 500);
    const { probabilities } = run(standard, { bucket_ids: bucketIdsTensor(few.map(({ text }) => text)) });
    few.forEach((one, row) => {
      labels!.forEach((label, i) => {
        const value = Number(probabilities.data[row * 54 + i]);
        assert(Math.abs(value - one.probabilities[label]) < 2e-5, `${label}: ${value} ${one.probabilities[label]}`);
      });
    });
  });

  it('refuses what standard ONNX cannot say', () => {
    const bag = graphOf({
      inputs: [port('ids', [1, 2], 'int32')],
      outputs: ['y'],
      nodes: [node('kerf.EmbeddingBag', ['ids', 'table'], 'y', { mode: 'sum' })],
      constants: { table: ramp(4, 2) },
      opset: 11,
    });
    assert.throws(
      () => encodeOnnx(bag),
      (error: KerfError) =>
        error.code === 'OPERATOR_UNSUPPORTED' && /operator set 11, expected >= 13/.test(error.message),
    );
    const unknown = graphOf({ inputs: [port('x', [1])], outputs: ['y'], nodes: [node('kerf.Mystery', ['x'], 'y')] });
    assert.throws(
      () => encodeOnnx(unknown),
      (error: KerfError) => error.code === 'OPERATOR_UNSUPPORTED' && /Mystery/.test(error.message),
    );
  });
});
