import assert from 'node:assert/strict';
import { createEvaluate } from '../../../src/evaluate-graph.js';
import { canonicalise } from '../../../src/graph/canonicalise.js';
import { countMacs, countParameters } from '../../../src/graph/cost.js';
import type { Graph } from '../../../src/graph/graph.js';
import { findLayers } from '../../../src/graph/layers.js';
import { buildPlan } from '../../../src/plan/index.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../../src/runtime/wasm-executor.js';
import { graphOf, int64, node, port, ramp } from '../../support/graph.js';

const opsOf = (graph: Graph) => graph.nodes.map(({ op }) => op);
const scalar = (value: number) => new Tensor('float32', Float32Array.of(value), []);

/** One node chain from x [n, 3] to y. */
function chain(nodes: Parameters<typeof graphOf>[0]['nodes'], constants: Record<string, Tensor>, opset = 17): Graph {
  return graphOf({ inputs: [port('x', ['n', 3])], outputs: ['y'], nodes, constants, opset });
}

describe('canonicalise', () => {
  it("makes Linear of MatMul + Add with W as [out, in] under the file's name", () => {
    const w = ramp(3, 2);
    const graph = canonicalise(
      chain([node('MatMul', ['x', 'w'], 'm'), node('Add', ['m', 'b'], 'y')], { w, b: ramp(2) }),
    );
    assert.deepEqual(opsOf(graph), ['Linear']);
    assert.deepEqual(graph.nodes[0].inputs, ['x', 'w', 'b']);
    assert.equal(graph.nodes[0].name, 'm');
    const turned = graph.initializers.get('w')!;
    assert.deepEqual(turned.dims, [2, 3]);
    assert.deepEqual(
      [...turned.data],
      [0, 2, 4, 1, 3, 5].map((at) => w.data[at]),
    );
  });

  it('writes targets that shapes give down as numbers, so that only the Reshape is left', () => {
    const graph = canonicalise(
      graphOf({
        inputs: [port('x', ['n', 'm', 8])],
        outputs: ['y'],
        nodes: [
          node('Shape', ['x'], 's'),
          node('Slice', ['s', 'zero', 'two'], 'front'),
          node('Concat', ['front', 'heads'], 't', { axis: 0 }),
          node('Reshape', ['x', 't'], 'r'),
          node('Cast', ['r'], 'c', { to: 1 }),
          node('Neg', ['c'], 'y'),
        ],
        constants: { zero: int64(0), two: int64(2), heads: int64(2, 4) },
      }),
    );
    assert.deepEqual(opsOf(graph), ['Reshape', 'Neg']);
    assert.deepEqual([...graph.initializers.get(graph.nodes[0].inputs[1])!.data].map(Number), [0, 0, 2, 4]);
    assert.equal(graph.nodes[1].inputs[0], 'r', 'a Cast to the dtype that is there is nothing');
  });

  it('gives layers the rows of a sequence as they are, not below one another', () => {
    const flattened = (last: Parameters<typeof graphOf>[0]['nodes']) =>
      canonicalise(
        graphOf({
          inputs: [port('x', ['n', 'm', 3])],
          outputs: ['y'],
          nodes: [
            node('Reshape', ['x', 'flat'], 'f'),
            node('Gemm', ['f', 'w', 'b'], 'g'),
            node('Shape', ['x'], 's'),
            node('Slice', ['s', 'zero', 'two'], 'front'),
            node('Concat', ['front', 'wide'], 't', { axis: 0 }),
            ...last,
          ],
          constants: {
            ...{ w: ramp(3, 4), b: ramp(4), flat: int64(-1, 3) },
            ...{ zero: int64(0), two: int64(2), wide: int64(4) },
          },
        }),
      );
    const graph = flattened([node('Reshape', ['g', 't'], 'r'), node('Relu', ['r'], 'y')]);
    assert.deepEqual(opsOf(graph), ['Linear', 'Relu']);
    assert.equal(graph.nodes[0].inputs[0], 'x');
    // What reads the rows below one another keeps them there.
    const read = flattened([node('Reshape', ['g', 't'], 'r'), node('ReduceSum', ['g'], 'y')]);
    assert.deepEqual(opsOf(read), ['Reshape', 'Linear', 'ReduceSum']);
  });

  it('adds masks of attention that pick a large negative number', async () => {
    const bool = (rows: readonly (readonly number[])[]) =>
      new Tensor('bool', Uint8Array.from(rows.flat()), [rows.length, rows[0].length]);
    const causal = bool([
      [1, 0, 0],
      [1, 1, 0],
      [1, 1, 1],
    ]);
    const masked = (mask: Tensor, filler: number, after = 'Softmax', branches = ['x', 'filler']) =>
      graphOf({
        inputs: [port('x', ['n', 3, 3])],
        outputs: ['y'],
        nodes: [
          node('Where', ['mask', ...branches], 'm'),
          node(after, ['m'], 'y', after === 'Softmax' ? { axis: -1 } : {}),
        ],
        constants: { mask, filler: scalar(filler) },
      });
    const graph = canonicalise(masked(causal, -1e4));
    assert.deepEqual(opsOf(graph), ['Add', 'Softmax']);
    const x = ramp(2, 3, 3);
    const plain = await createEvaluate()(masked(causal, -1e4), { x });
    assert.deepEqual((await createEvaluate()(graph, { x })).y, plain.y);
    const others = [masked(causal, -100), masked(causal, -1e4, 'Exp'), masked(bool([[0, 1, 1]]), -1e4)];
    others.push(masked(causal, -1e4, 'Softmax', ['filler', 'x']));
    for (const other of others) assert.equal(canonicalise(other).nodes[0].op, 'Where');
    const hidden = bool([
      [0, 1, 1],
      [0, 0, 1],
      [0, 0, 0],
    ]);
    const turned = canonicalise(masked(hidden, -1e4, 'Softmax', ['filler', 'x']));
    assert.deepEqual(opsOf(turned), ['Add', 'Softmax']);
    assert.deepEqual((await createEvaluate()(turned, { x })).y, plain.y);
  });

  it('adds masks that swallow every score, whatever rows they hide, to the bit', async () => {
    const inputs = [port('x', ['n', 3, 3]), { ...port('seen', ['n', 1, 3]), dtype: 'bool' as const }];
    const seen = new Tensor('bool', Uint8Array.of(0, 1, 1, 0, 0, 0), [2, 1, 3]);
    const x = ramp(2, 3, 3);
    for (const filler of [-Infinity, -3.4028234663852886e38, -1e30]) {
      const graph = graphOf({
        inputs,
        outputs: ['y'],
        nodes: [node('Where', ['seen', 'x', 'filler'], 'm'), node('Softmax', ['m'], 'y', { axis: -1 })],
        constants: { filler: scalar(filler) },
      });
      const added = canonicalise(graph);
      assert.deepEqual(opsOf(added), ['Where', 'Add', 'Softmax']);
      const plain = await createEvaluate()(graph, { x, seen });
      assert.deepEqual((await createEvaluate()(added, { x, seen })).y, plain.y);
    }
  });

  it('adds what is added behind such a mask to the mask, to the bit', async () => {
    const inputs = [
      port('x', ['n', 3, 3]),
      { ...port('seen', ['n', 1, 3]), dtype: 'bool' as const },
      port('m', ['n', 3, 1]),
      port('d', ['n', 1, 3]),
    ];
    const seen = new Tensor('bool', Uint8Array.of(0, 1, 1, 0, 0, 0), [2, 1, 3]);
    const large = -3.4028234663852886e38;
    const m = new Tensor('float32', Float32Array.of(0, large, -1.5, 0, large, 3), [2, 3, 1]);
    const d = new Tensor('float32', Float32Array.of(0, large, 0.25, -2, 0, large), [2, 1, 3]);
    const feeds = { x: ramp(2, 3, 3), seen, m, d };
    for (const filler of [-Infinity, large, -1e30]) {
      for (const added of ['m', 'd']) {
        for (const isFirst of [true, false]) {
          const graph = graphOf({
            inputs,
            outputs: ['y', 'others'],
            nodes: [
              node('Where', ['seen', 'x', 'filler'], 'w'),
              node('Neg', [added], 'other'),
              node('Neg', ['other'], 'same'),
              node('Add', isFirst ? ['w', 'same'] : ['same', 'w'], 'masked'),
              node('Softmax', ['masked'], 'y', { axis: -1 }),
              node('Add', ['m', 'd'], 'others'),
            ],
            constants: { filler: scalar(filler) },
          });
          const summed = canonicalise(graph);
          assert.deepEqual(
            opsOf(summed).filter((op) => op !== 'Neg'),
            ['Where', 'Add', 'Add', 'Softmax', 'Add'],
          );
          assert.deepEqual(
            summed.nodes.find(({ outputs }) => outputs[0] === 'masked')!.inputs.filter((input) => input === 'x'),
            ['x'],
          );
          const plain = await createEvaluate()(graph, feeds);
          assert.deepEqual((await createEvaluate()(summed, feeds)).y, plain.y);
        }
      }
    }
  });

  it('reads positions of a sequence of any length from the front of their table', () => {
    const graph = canonicalise(
      graphOf({
        inputs: [port('x', ['n', 't', 2])],
        outputs: ['y'],
        nodes: [
          node('Shape', ['x'], 's'),
          node('Gather', ['s', 'one'], 'length'),
          node('Range', ['zero', 'length', 'one'], 'r'),
          node('Unsqueeze', ['r', 'axes'], 'row'),
          node('Gather', ['table', 'row'], 'places'),
          node('Add', ['x', 'places'], 'y'),
        ],
        constants: { one: int64(1).reshape([]), zero: int64(0).reshape([]), axes: int64(0), table: ramp(4, 2) },
      }),
    );
    const plan = buildPlan(graph);
    assert.deepEqual(
      plan.steps.filter(({ kind }) => kind === 'reference'),
      [],
    );
    const executor = createWasmExecutor(plan);
    for (const length of [1, 3, 4]) {
      const x = new Tensor('float32', new Float32Array(2 * length), [1, length, 2]);
      assert.deepEqual([...executor.runSync({ x }, {}).y.data], [...ramp(4, 2).data].slice(0, 2 * length));
    }
    const long = new Tensor('float32', new Float32Array(10), [1, 5, 2]);
    assert.throws(() => executor.runSync({ x: long }, {}), /out of bounds: got elements 0 to 10, expected 0 to 8/);
  });

  it('takes the bias from either side, from [1, N] and from a scalar', () => {
    for (const [bias, inputs] of [
      [ramp(1, 2), ['b', 'm']],
      [scalar(3), ['m', 'b']],
      [ramp(1), ['m', 'b']],
    ] as const) {
      const graph = canonicalise(
        chain([node('MatMul', ['x', 'w'], 'm'), node('Add', inputs, 'y')], { w: ramp(3, 2), b: bias }),
      );
      assert.deepEqual(opsOf(graph), ['Linear']);
      const b = graph.initializers.get('b')!;
      assert.deepEqual(b.dims, [2]);
      assert.deepEqual([...b.data], bias.size === 2 ? [...bias.data] : [bias.data[0], bias.data[0]]);
    }
  });

  it('leaves an Add alone that varies by row, widens the result, or stands behind a Reshape', () => {
    const cases: [Parameters<typeof graphOf>[0]['nodes'], Record<string, Tensor>][] = [
      [[node('MatMul', ['x', 'w'], 'm'), node('Add', ['m', 'b'], 'y')], { w: ramp(3, 2), b: ramp(1, 1, 2) }],
      [[node('MatMul', ['x', 'w'], 'm'), node('Add', ['m', 'b'], 'y')], { w: ramp(3, 1), b: ramp(1, 4) }],
      [
        [node('MatMul', ['x', 'w'], 'm'), node('Reshape', ['m', 's'], 'r'), node('Add', ['r', 'b'], 'y')],
        { w: ramp(3, 4), s: int64(-1, 2), b: ramp(2) },
      ],
    ];
    for (const [nodes, constants] of cases) assert.equal(opsOf(canonicalise(chain(nodes, constants))).at(-1), 'Add');
  });

  it('keeps a product that another node or the output reads', () => {
    const graph = canonicalise(
      graphOf({
        inputs: [port('x', ['n', 3])],
        outputs: ['y', 'm'],
        nodes: [node('MatMul', ['x', 'w'], 'm'), node('Add', ['m', 'b'], 'y')],
        constants: { w: ramp(3, 2), b: ramp(2) },
      }),
    );
    assert.deepEqual(opsOf(graph), ['Linear', 'Add']);
  });

  it('writes alpha and beta of Gemm out, and keeps the weight as the file has it', () => {
    const graph = canonicalise(
      chain([node('Gemm', ['x', 'w', 'c'], 'y', { transB: 1, alpha: 0.5, beta: 2 })], { w: ramp(2, 3), c: ramp(2) }),
    );
    assert.deepEqual(opsOf(graph), ['Linear', 'Mul', 'Add']);
    assert.deepEqual([...graph.initializers.get('w')!.data], [...ramp(2, 3).data]);
    const scaled = graph.initializers.get(graph.nodes[2].inputs[1])!;
    assert.deepEqual(
      [...scaled.data],
      [...ramp(2).data].map((value) => 2 * value),
    );
  });

  it('traces a weight through Transpose, Identity and Constant to its name in the file', () => {
    const graph = canonicalise(
      chain(
        [
          node('Constant', [], 'stored', { value: ramp(2, 3) }),
          node('Identity', ['stored'], 'same'),
          node('Transpose', ['same'], 'turned'),
          node('MatMul', ['x', 'turned'], 'y'),
        ],
        {},
      ),
    );
    assert.deepEqual(opsOf(graph), ['Linear']);
    assert.deepEqual(graph.nodes[0].inputs, ['x', 'stored']);
    assert.deepEqual([...graph.initializers.get('stored')!.data], [...ramp(2, 3).data]);
  });

  it('gives a second form of a weight a name of its own', () => {
    const graph = canonicalise(
      graphOf({
        inputs: [port('x', ['n', 3])],
        outputs: ['y', 'z', 'v'],
        nodes: [
          node('MatMul', ['x', 'w'], 'y'),
          node('Gemm', ['x', 'w'], 'z', { transB: 1 }),
          node('MatMul', ['x', 'w'], 'v'),
        ],
        constants: { w: ramp(3, 3) },
      }),
    );
    const names = graph.nodes.map(({ inputs }) => inputs[1]);
    assert.equal(names[0], names[2]);
    assert.notEqual(names[0], names[1]);
    assert.equal(graph.initializers.size, 2);
    assert.ok(names.includes('w'));
  });

  it('carries the quantization to the turned weight', () => {
    const rounding = { step: 0.1, minimum: -1 };
    const graph = chain([node('MatMul', ['x', 'w'], 'y')], { w: ramp(3, 2) });
    const canonical = canonicalise({ ...graph, quantization: new Map([['w', rounding]]) });
    assert.deepEqual(canonical.quantization.get('w'), rounding);
    assert.deepEqual(findLayers(canonical)[0].quantization, rounding);
  });

  it('folds constants, removes Identity and Dropout, and drops what nobody reads', () => {
    const graph = canonicalise(
      chain(
        [
          node('Add', ['a', 'b'], 'sum'),
          node('Dropout', ['x'], ['d', '']),
          node('Exp', ['x'], 'unread'),
          node('Identity', ['d'], 'i'),
          node('Mul', ['i', 'sum'], 'y'),
        ],
        { a: ramp(3), b: ramp(3), unused: ramp(9) },
      ),
    );
    assert.deepEqual(opsOf(graph), ['Mul']);
    assert.deepEqual(graph.nodes[0].inputs, ['x', 'sum']);
    assert.deepEqual([...graph.initializers.keys()], ['sum']);
  });

  it('leaves out first states that are zeros of whatever batch, also a slice of them for each layer', () => {
    const states = (fill: number) =>
      canonicalise(
        graphOf({
          inputs: [port('x', ['t', 'n', 3])],
          outputs: ['y'],
          nodes: [
            node('Shape', ['x'], 's'),
            node('Gather', ['s', 'one'], 'n'),
            node('Concat', ['two', 'n', 'wide'], 'sizes', { axis: 0 }),
            node('ConstantOfShape', ['sizes'], 'both', { value: new Tensor('float32', Float32Array.of(fill), [1]) }),
            node('Slice', ['both', 'zero', 'one', 'zero'], 'first'),
            node('LSTM', ['x', 'W', 'R', '', '', 'first', 'first'], 'y', { hidden_size: 2 }),
          ],
          constants: {
            ...{ one: int64(1), two: int64(2), wide: int64(2), zero: int64(0) },
            ...{ W: ramp(1, 8, 3), R: ramp(1, 8, 2) },
          },
        }),
      );
    assert.deepEqual(opsOf(states(0)), ['LSTM']);
    assert.deepEqual(states(0).nodes[0].inputs, ['x', 'W', 'R', '', '', '', '']);
    for (const fill of [1, -0]) assert.deepEqual(states(fill).nodes.at(-1)!.inputs.slice(5), ['first', 'first']);
  });

  it('is a fixed point', () => {
    const once = canonicalise(
      chain([node('Gemm', ['x', 'w', 'c'], 'h', { alpha: 2 }), node('Relu', ['h'], 'y')], {
        w: ramp(3, 2),
        c: ramp(2),
      }),
    );
    assert.deepEqual(canonicalise(once), once);
  });
});

describe('findLayers', () => {
  const graph = canonicalise(
    graphOf({
      inputs: [port('x', ['n', 3]), port('ids', ['n', 7], 'int32')],
      outputs: ['y', 'e'],
      nodes: [
        node('Gemm', ['x', 'w1', 'b1'], 'h'),
        node('Relu', ['h'], 'r'),
        node('Gemm', ['r', 'w2'], 'y'),
        node('kerf.EmbeddingBag', ['ids', 'table'], 'e', { mode: 'mean' }),
      ],
      constants: { w1: ramp(3, 4), b1: ramp(4), w2: ramp(4, 2), table: ramp(5, 2) },
    }),
  );

  it('tells units whose scale is free: only layers read them, through homogeneous functions', () => {
    const constants = { w1: ramp(3, 4), b1: ramp(4), w2: ramp(4, 2), w3: ramp(4, 4) };
    const freeOf = (nodes: ReturnType<typeof node>[], outputs = ['y']) => {
      const layers = findLayers(canonicalise(graphOf({ inputs: [port('x', ['n', 3])], outputs, nodes, constants })));
      return layers.filter(({ isRescalable }) => isRescalable).map(({ name }) => name);
    };
    const first = node('Gemm', ['x', 'w1', 'b1'], 'h');
    const last = node('Gemm', ['r', 'w2'], 'y');
    assert.deepEqual(freeOf([first, node('Relu', ['h'], 'r'), last]), ['h']);
    assert.deepEqual(freeOf([first, node('LeakyRelu', ['h'], 'l'), node('Abs', ['l'], 'r'), last]), ['h']);
    assert.deepEqual(freeOf([first, node('Tanh', ['h'], 'r'), last]), []);
    assert.deepEqual(freeOf([first, node('Relu', ['h'], 'r'), last], ['y', 'r']), []);
    assert.deepEqual(freeOf([first, node('Relu', ['h'], 'r'), last, node('Add', ['r', 'h'], 's')], ['y', 's']), []);
    const residual = [
      first,
      node('Relu', ['h'], 'q'),
      node('MatMul', ['q', 'w3'], 'm'),
      node('Add', ['m', 'q'], 'r'),
      last,
    ];
    assert.deepEqual(freeOf(residual), []);
  });

  it('tells names, neighbours and activations', () => {
    const layers = findLayers(graph).map(({ name, kind, tensor, biasTensor, activation, previous, next }) => {
      return { name, kind, tensor, biasTensor, activation, previous, next };
    });
    assert.deepEqual(layers, [
      { name: 'h', kind: 'linear', tensor: 'w1', biasTensor: 'b1', activation: 'Relu', previous: [], next: ['y'] },
      { name: 'y', kind: 'linear', tensor: 'w2', biasTensor: null, activation: 'none', previous: ['h'], next: [] },
      { name: 'e', kind: 'embedding', tensor: 'table', biasTensor: null, activation: 'none', previous: [], next: [] },
    ]);
    const [, , table] = findLayers(graph);
    assert.deepEqual(table.weight.dims, [2, 5]);
    assert.deepEqual(
      [...table.weight.data].slice(0, 2),
      [0, 2].map((at) => ramp(5, 2).data[at]),
    );
  });

  it('counts multiply-adds per sample and parameters', () => {
    assert.equal(countMacs(graph), 3 * 4 + 4 * 2 + 7 * 2);
    assert.equal(countMacs(graph, new Map([['n', 10]])), 340);
    const inputs = graph.inputs.map((port) => ({ ...port, shape: [10, ...port.shape.slice(1)] }));
    assert.equal(countMacs({ ...graph, inputs }), 3 * 4 + 4 * 2 + 7 * 2, 'a fixed batch of ten counts per sample too');
    assert.equal(countParameters(graph), 12 + 4 + 8 + 10);
  });
});
