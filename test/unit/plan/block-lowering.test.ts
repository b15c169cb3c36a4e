import assert from 'node:assert/strict';
import type { BlockFit } from '../../../src/annealing/blocks.js';
import type { Matrix } from '../../../src/annealing/matrix.js';
import { rangeOf } from '../../../src/annealing/matrix-parts.js';
import { equalSpans } from '../../../src/annealing/partition.js';
import { linearsOf } from '../../../src/annealing/rewrite.js';
import { withBlocks } from '../../../src/annealing/write-blocks.js';
import { createSession } from '../../../src/executors/create-session.js';
import { canonicalise } from '../../../src/graph/canonicalise.js';
import type { Graph } from '../../../src/graph/graph.js';
import { findParts, partsSideBySide } from '../../../src/parts/find-parts.js';
import { buildPlan } from '../../../src/plan/build-plan.js';
import { checkPlan } from '../../../src/runtime/check-plan.js';
import type { Plan } from '../../../src/runtime/plan.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createRandom, type Random } from '../../oracle/random.js';
import { graphOf, int64, node, port, ramp } from '../../support/graph.js';
import { mlp, normalRows, randomLayer } from '../../support/networks.js';

const [inputs, first, second, outputs] = [19, 22, 17, 5];

function randomMatrix(random: Random, rows: number, columns: number): Matrix {
  const data = Float64Array.from({ length: rows * columns }, () => Math.fround(random.normal()));
  return { rows, columns, data };
}

/** A fit of nothing: random blocks and bus, as f32 holds them. */
function randomFit(random: Random, out: number, inputs: number, k: number, r: number): BlockFit {
  const [rows, columns] = [equalSpans(out, k), equalSpans(inputs, k).map(rangeOf)];
  return {
    rows,
    columns,
    blocks: rows.map(([first, end], p) => randomMatrix(random, end - first, columns[p].length)),
    bus: {
      outer: randomMatrix(random, out, r),
      inner: randomMatrix(random, r, inputs),
      bias: randomMatrix(random, 1, out).data,
    },
  };
}

/** One sum in f32: the bias, then products in the order given, rounded after each step. */
function sumInOrder(bias: number, pairs: readonly (readonly [number, number])[]): number {
  return pairs.reduce((sum, [a, b]) => Math.fround(sum + Math.fround(a * b)), bias);
}

/** y_p = b_p + B_p x_p + U_p z, z = V x, in the order that the kernels promise. */
function runBlocks({ blocks, bus, rows, columns }: BlockFit, x: readonly number[]): number[] {
  const { inner, outer, bias } = bus;
  const row = ({ data, columns }: Matrix, i: number) => [...data.subarray(i * columns, (i + 1) * columns)];
  const z = Array.from({ length: inner.rows }, (_, i) =>
    sumInOrder(
      0,
      row(inner, i).map((v, j) => [x[j], v] as const),
    ),
  );
  return blocks.flatMap((block, p) => {
    const part = [...columns[p]].map((j) => x[j]);
    return Array.from({ length: block.rows }, (_, i) => {
      const at = rows[p][0] + i;
      const own = row(block, i).map((w, j) => [part[j], w] as const);
      return sumInOrder(bias[at], [...own, ...row(outer, at).map((u, j) => [z[j], u] as const)]);
    });
  });
}

interface Net {
  readonly graph: Graph;
  run(x: readonly number[]): number[];
}

/** x -> blocks -> relu -> blocks -> relu -> dense. */
function blockNet(k: number, r: number): Net {
  const random = createRandom(100 * k + r);
  const all = () => true;
  const specs = [
    [first, inputs],
    [second, first],
    [outputs, second],
  ].map(([out, columns]) => randomLayer(random, out, columns, all));
  let graph = mlp(specs);
  const fits = [randomFit(random, first, inputs, k, r), randomFit(random, second, first, k, r)];
  fits.forEach((fit, i) => {
    const linear = linearsOf(graph).find(({ name }) => name === `fc${i + 1}`)!;
    graph = withBlocks(graph, linear, fit);
  });
  const head = specs[2];
  const relu = (values: number[]) => values.map((value) => Math.max(0, value));
  const run = (x: readonly number[]) => {
    const hidden = fits.reduce((value, fit) => relu(runBlocks(fit, value)), [...x]);
    return head.weight.map((row, i) =>
      sumInOrder(
        Math.fround(head.bias[i]),
        row.map((w, j) => [hidden[j], Math.fround(w)] as const),
      ),
    );
  };
  return { graph, run };
}

const planOf = (graph: Graph): Plan => {
  const { graph: split, parts, partOf } = findParts(graph);
  return buildPlan(split, { parts, partOf });
};

async function outputsOf(plan: Plan, inputs: readonly Tensor[], threads: number): Promise<readonly Float32Array[]> {
  const session = createSession(plan, null, { threads, executor: threads > 1 ? 'pool' : 'wasm' });
  const outputs: Float32Array[] = [];
  for (const x of inputs) outputs.push((await session.run({ x })).y.data as Float32Array);
  await session.release();
  return outputs;
}

describe('lowering of blocks and bus', () => {
  for (const k of [2, 3, 8]) {
    for (const r of [0, 1, 4]) {
      const { graph, run } = blockNet(k, r);

      it(`k = ${k}, r = ${r}: gemm steps alone, without a copy, with and without parts`, () => {
        for (const plan of [planOf(graph), buildPlan(graph)]) {
          checkPlan(plan);
          assert.deepEqual(new Set(plan.steps.map(({ kind }) => kind)), new Set(['gemm']));
          assert.equal(plan.steps.length, 2 * (k + (r > 0 ? 1 : 0)) + 1);
          // Two blocks are no more than two sources for whoever reads the whole layer.
          const readers = k === 2 ? (r > 0 ? 2 : 1) : 0;
          assert.equal(plan.steps.filter(({ reads }) => reads.length === 3).length, (r > 0 ? 2 * k : 0) + readers);
          const clamped = plan.steps.filter(({ params }) => params['lo']).length;
          assert.equal(clamped, 2 * k);
        }
      });

      it(`k = ${k}, r = ${r}: the same bits as sums in order, on any thread count`, async () => {
        const plan = planOf(graph);
        const batches = [1, 2, 7, 40];
        const xs = batches.map((batch) => normalRows(batch, batch, inputs));
        const rowsOf = (x: Tensor) =>
          Array.from({ length: x.dims[0] }, (_, b) => x.data.slice(b * inputs, (b + 1) * inputs));
        const wanted = xs.map((x) => Float32Array.from(rowsOf(x).flatMap((row) => run([...(row as Float32Array)]))));
        assert.deepEqual(await outputsOf(plan, xs, 1), wanted);
        assert.deepEqual(await outputsOf(buildPlan(graph), xs, 1), wanted);
        if (r !== 1) assert.deepEqual(await outputsOf(plan, xs, 3), wanted);
      });

      it(`k = ${k}, r = ${r}: k parts side by side${r === 0 ? ', each of both layers' : ''}`, () => {
        const { parts } = findParts(graph);
        assert.equal(partsSideBySide(parts), k);
        if (r === 0) assert.equal(parts.filter(({ macs }) => macs > 0).length, k + 1);
      });
    }
  }
});

describe('pieces of rows', () => {
  const kindsOf = (graph: Graph) => {
    const plan = buildPlan(canonicalise(graph));
    checkPlan(plan);
    return plan.steps.map(({ kind }) => kind);
  };
  const split = (to: string[]) => ({ ...node('Split', ['x', 'sizes'], to[0], { axis: -1 }), outputs: to });

  it('are read where they stand by layers, and copied once for who cannot', async () => {
    const graph = graphOf({
      inputs: [port('x', ['n', 6])],
      outputs: ['y', 'b'],
      nodes: [
        split(['a', 'b', 'c']),
        node('MatMul', ['a', 'w'], 'u'),
        node('Sigmoid', ['b'], 's'),
        node('Tanh', ['b'], 't'),
        node('Concat', ['u', 's', 't', 'u', 'c'], 'y', { axis: 1 }),
      ],
      constants: { w: ramp(2, 3), sizes: int64(2, 3, 1) },
    });
    // s and t share one copy of b; u is written into y and copied to its second place.
    assert.deepEqual(kindsOf(graph), ['gemm', 'copy', 'unary', 'unary', 'copy', 'copy', 'copy', 'copy']);
    const x = new Tensor(
      'float32',
      Float32Array.from({ length: 12 }, (_, i) => i / 8),
      [2, 6],
    );
    const session = createSession(buildPlan(canonicalise(graph)), null, { threads: 1 });
    const { y, b } = await session.run({ x });
    const w = ramp(2, 3).data as Float32Array;
    const expected = [0, 1].flatMap((row) => {
      const v = [...x.data.slice(row * 6, row * 6 + 6)] as number[];
      const u = [0, 1, 2].map((j) => v[0] * w[j] + v[1] * w[3 + j]);
      return [...u, ...v.slice(2, 5).map((e) => 1 / (1 + Math.exp(-e))), ...v.slice(2, 5).map(Math.tanh), ...u, v[5]];
    });
    (y.data as Float32Array).forEach((value, i) => {
      assert.ok(Math.abs(value - expected[i]) < 1e-5, `${i}: ${value}, ${expected[i]}`);
    });
    assert.deepEqual(
      [...b.data],
      [2, 3, 4, 8, 9, 10].map((i) => i / 8),
    );
    await session.release();
  });

  it('of a slice along the rows take no step, others do', () => {
    const sliced = (starts: number, ends: number, axes: number, steps: number) =>
      graphOf({
        inputs: [port('x', [4, 6])],
        outputs: ['y'],
        nodes: [node('Slice', ['x', 's', 'e', 'a', 'd'], 'p'), node('MatMul', ['p', 'w'], 'y')],
        constants: {
          s: int64(starts),
          e: int64(ends),
          a: int64(axes),
          d: int64(steps),
          w: ramp(axes === 1 ? Math.ceil((ends - starts) / steps) : 6, 2),
        },
      });
    assert.deepEqual(kindsOf(sliced(1, 4, 1, 1)), ['gemm']);
    assert.deepEqual(kindsOf(sliced(1, 5, 1, 2)), ['copy', 'gemm']);
    assert.deepEqual(kindsOf(sliced(1, 3, 0, 1)), ['copy', 'gemm']);
  });
});
