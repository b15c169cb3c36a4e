import assert from 'node:assert/strict';
import { anneal } from '../../../src/annealing/anneal.js';
import type { AnnealOptions } from '../../../src/annealing/context.js';
import { trimExactly } from '../../../src/annealing/trims.js';
import { createEvaluate } from '../../../src/evaluate-graph.js';
import type { Evidence, TensorEvidence, Verdict } from '../../../src/evidence/evidence.js';
import { countMacs } from '../../../src/graph/cost.js';
import type { Graph } from '../../../src/graph/graph.js';
import { findLayers } from '../../../src/graph/layers.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createRandom } from '../../oracle/random.js';
import {
  type LayerSpec,
  makeGraph,
  matrix,
  mlp,
  node,
  normalRows,
  randomLayer,
  vector,
} from '../../support/networks.js';

const evaluate = createEvaluate();
const cost = (graph: Graph) => countMacs(graph);
const bits = (tensor: Tensor) =>
  Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength).toString('hex');

/** Evidence as analysis gives it, with the parts that annealing reads. */
function evidenceOf(graph: Graph, supported: Record<string, number>, verdict: Verdict = 'partly'): Evidence {
  const tensors = findLayers(graph).map((layer): TensorEvidence => {
    const rank = Math.min(...layer.weight.dims);
    const family = { tested: 0, supported: 0, control: 'false-discovery-rate', level: 0.05 } as const;
    const count = supported[layer.name];
    return {
      name: layer.tensor,
      layer: layer.name,
      law: 'torch-linear',
      lawSource: 'given',
      scaleRatio: 1,
      fit: { ks: 0, pValue: 1 },
      verdict,
      reason: '',
      weights: family,
      columns: family,
      rows: family,
      units: null,
      spectrum:
        count === undefined
          ? null
          : {
              supported: count,
              rank,
              sigma: 1,
              refitted: false,
              threshold: 1,
              longerSide: rank,
              values: new Float64Array(rank),
            },
      blocks: null,
    };
  });
  return { tensors, units: [], paths: [], fdr: 0.05, seed: 0 };
}

/** A layer of the given rank plus noise. */
function lowRank(seed: number, out: number, inputs: number, rank: number, noise: number): LayerSpec {
  const random = createRandom(seed);
  const side = (n: number) => Array.from({ length: n }, () => Array.from({ length: rank }, () => random.normal()));
  const [left, right] = [side(out), side(inputs)];
  const scale = Math.sqrt(2 / inputs / rank);
  return {
    weight: left.map((a) =>
      right.map((b) => scale * a.reduce((sum, v, k) => sum + v * b[k], 0) + noise * random.normal()),
    ),
    bias: left.map(() => 0.1 * random.normal()),
  };
}

const lowRankNet = () =>
  mlp([lowRank(1, 64, 48, 5, 0.002), lowRank(2, 48, 64, 4, 0.002), randomLayer(createRandom(3), 6, 48, () => true)]);

function optionsOf(overrides: Partial<AnnealOptions> = {}): AnnealOptions {
  return {
    calibration: { x: normalRows(10, 600, 48) },
    guard: { x: normalRows(11, 700, 48) },
    evaluate,
    cost,
    maxDisagreement: 0.05,
    ...overrides,
  };
}

describe('trimExactly', () => {
  it('removes dead units and unread inputs without changing a bit', async () => {
    const random = createRandom(20);
    const dead = new Set([1, 5, 6]);
    const graph = mlp([
      // Unit 1 reads nothing and has a negative bias; input 3 and 4 are read by nobody.
      {
        ...randomLayer(random, 9, 12, (i, j) => i !== 1 && j !== 3 && j !== 4),
        bias: [1, -1, 1, -0, 0, 1, -2, 0.5, 0.25],
      },
      randomLayer(random, 7, 9, (_, j) => !dead.has(j)),
      randomLayer(random, 4, 7, (_, j) => j !== 2),
    ]);
    const trimmed = trimExactly(graph);
    assert.equal(countMacs(trimmed), 10 * 6 + 6 * 6 + 6 * 4);
    const feeds = { x: normalRows(21, 50, 12) };
    assert.equal(bits((await evaluate(trimmed, feeds)).y), bits((await evaluate(graph, feeds)).y));
  });

  it('keeps a unit whose constant is not zero, and a network without zeros as it is', () => {
    const random = createRandom(22);
    const graph = mlp([
      { ...randomLayer(random, 4, 3, (i) => i !== 2), bias: [0, 0, 2, 0] },
      randomLayer(random, 2, 4, () => true),
    ]);
    assert.equal(trimExactly(graph), graph);
  });

  it('keeps the units that something beside the next layer reads', async () => {
    const random = createRandom(23);
    const [first, second] = [randomLayer(random, 4, 3, () => true), randomLayer(random, 4, 4, (_, j) => j > 1)];
    const graph = makeGraph(
      { x: 3 },
      [
        node('fc1', 'Linear', ['x', 'w1', 'b1'], 'h', 'kerf'),
        node('fc2', 'Linear', ['h', 'w2', 'b2'], 'z', 'kerf'),
        node('y', 'Add', ['z', 'h']),
      ],
      { w1: matrix(first.weight), b1: vector(first.bias), w2: matrix(second.weight), b2: vector(second.bias) },
    );
    const trimmed = trimExactly(graph);
    // The second layer reads a gather of its two live columns; the first keeps its four units.
    assert.equal(countMacs(trimmed), 4 * 3 + 4 * 2);
    const feeds = { x: normalRows(24, 9, 3) };
    assert.equal(bits((await evaluate(trimmed, feeds)).y), bits((await evaluate(graph, feeds)).y));
  });
});

describe('anneal', () => {
  it('lowers ranks as far as the guard allows, and certifies what it saw', async () => {
    const graph = lowRankNet();
    const {
      graph: result,
      layers,
      certificate,
    } = await anneal(graph, evidenceOf(graph, { fc1: 5, fc2: 4 }), optionsOf());
    assert.equal(certificate.level, 'C');
    assert.ok((certificate.bound as number) <= 0.05);
    assert.equal(certificate.n, 700);
    assert.ok(cost(result) < 0.4 * cost(graph));
    assert.deepEqual(
      layers.map(({ name, choice }) => [name, choice]),
      [
        ['fc1.weight', 'rank'],
        ['fc2.weight', 'rank'],
        // Fewer hidden units reach it.
        ['fc3.weight', 'units'],
      ],
    );
    const macs = certificate.stages.map((stage) => stage.macs);
    assert.deepEqual(
      macs,
      [...macs].sort((a, b) => b - a),
    );
    assert.ok(certificate.stages.slice(0, -1).every(({ passed }) => passed));
    const again = await anneal(graph, evidenceOf(graph, { fc1: 5, fc2: 4 }), optionsOf());
    assert.deepEqual(again.certificate, certificate);
  });

  it('fits: the outputs of the refitted network are nearer than those of the cut one', async () => {
    const noisy = mlp([
      lowRank(5, 64, 48, 5, 0.05),
      lowRank(6, 48, 64, 4, 0.05),
      randomLayer(createRandom(7), 6, 48, () => true),
    ]);
    const evidence = evidenceOf(noisy, { fc1: 5, fc2: 4 });
    const loose = { maxDisagreement: 0.4 };
    const fitted = await anneal(noisy, evidence, optionsOf(loose));
    const cut = await anneal(noisy, evidence, optionsOf({ ...loose, calibration: null }));
    const { stages } = fitted.certificate;
    assert.ok(cut.certificate.stages.length > 3);
    for (const { name, macs, seen } of cut.certificate.stages) {
      assert.ok(
        stages.some((stage) => stage.macs <= macs && stage.seen < seen),
        `${name}: ${macs} multiply-adds, ${seen} differ`,
      );
    }
  });

  it('says which layers it fitted without gradients, and still fits them', async () => {
    const [first, second] = [lowRank(1, 64, 48, 5, 0.002), randomLayer(createRandom(3), 6, 64, () => true)];
    const graph = makeGraph(
      { x: 48 },
      [
        node('fc1', 'Linear', ['x', 'w1', 'b1'], 'h', 'kerf'),
        node('sine', 'Sin', ['h'], 'a'),
        node('fc2', 'Linear', ['a', 'w2', 'b2'], 'y', 'kerf'),
      ],
      { w1: matrix(first.weight), b1: vector(first.bias), w2: matrix(second.weight), b2: vector(second.bias) },
    );
    const { withoutGradients, layers } = await anneal(graph, evidenceOf(graph, {}), optionsOf());
    assert.deepEqual(withoutGradients, [{ layer: 'fc1', operator: 'Sin' }]);
    assert.equal(layers[0].choice, 'rank');
    assert.deepEqual((await anneal(lowRankNet(), evidenceOf(lowRankNet(), {}), optionsOf())).withoutGradients, []);
  });

  it('takes the ranks of the weights alone without data, and claims nothing', async () => {
    const graph = lowRankNet();
    const options = optionsOf({ calibration: null, guard: null });
    const { layers, certificate } = await anneal(graph, evidenceOf(graph, { fc1: 5, fc2: 4 }), options);
    assert.deepEqual(
      layers.map(({ rank }) => rank),
      [5, 4, null],
    );
    assert.deepEqual([certificate.level, certificate.bound, certificate.n], ['none', null, 0]);
  });

  it('claims level A where only zeros went, and nothing less for the network as it is', async () => {
    const random = createRandom(30);
    const graph = mlp([randomLayer(random, 8, 48, () => true), randomLayer(random, 3, 8, (_, j) => j < 5)]);
    const options = optionsOf({ calibration: null, guard: null });
    const { certificate, layers } = await anneal(graph, evidenceOf(graph, {}), options);
    assert.equal(certificate.level, 'A');
    assert.deepEqual(
      layers.map(({ choice, after }) => [choice, after]),
      [
        ['trim', 5 * 48 + 5],
        ['trim', 3 * 5 + 3],
      ],
    );
    const dense = mlp([randomLayer(random, 8, 48, () => true), randomLayer(random, 3, 8, () => true)]);
    const kept = await anneal(dense, evidenceOf(dense, {}), options);
    assert.deepEqual([kept.graph, kept.certificate.level], [dense, 'A']);
  });

  it('keeps the dense network when the first stage fails', async () => {
    const graph = mlp([
      randomLayer(createRandom(31), 40, 48, () => true),
      randomLayer(createRandom(32), 6, 40, () => true),
    ]);
    const options = optionsOf({ calibration: null, maxDisagreement: 0.01 });
    const { layers, certificate, graph: result } = await anneal(graph, evidenceOf(graph, { fc1: 2 }), options);
    assert.equal(result, graph);
    assert.deepEqual(
      layers.map(({ choice }) => choice),
      ['dense', 'dense'],
    );
    assert.deepEqual([certificate.stages.length, certificate.stages[0].passed, certificate.seen], [1, false, 0]);
  });

  it('splits a guard off the calibration rows, and says how many it needs', async () => {
    const graph = lowRankNet();
    const evidence = evidenceOf(graph, { fc1: 5, fc2: 4 });
    const { certificate } = await anneal(graph, evidence, optionsOf({ guard: null }));
    assert.equal(certificate.n, 120);
    const few = optionsOf({ guard: { x: normalRows(12, 100, 48) }, maxDisagreement: 0.005 });
    await assert.rejects(anneal(graph, evidence, few), {
      code: 'GUARD_TOO_SMALL',
      exitCode: 4,
      details: { got: 100, needed: 598 },
    });
    const small = { calibration: { x: normalRows(10, 590, 48) }, guard: null, maxDisagreement: 0.005 };
    await assert.rejects(anneal(graph, evidence, optionsOf(small)), /got 589, expected at least 598/);
  });

  it('refuses shared rows, missing and misshapen arrays, and promises out of range', async () => {
    const graph = lowRankNet();
    const evidence = evidenceOf(graph, {});
    const calibration = { x: normalRows(10, 600, 48) };
    const withNaN = normalRows(10, 600, 48);
    withNaN.data[7] = Number.NaN;
    const cases: [Partial<AnnealOptions>, string][] = [
      [{ guard: calibration }, 'DATA_INVALID'],
      [{ guard: { x: withNaN } }, 'DATA_INVALID'],
      [{ calibration: { x: withNaN } }, 'DATA_INVALID'],
      [{ guard: {} }, 'INPUT_MISSING'],
      [{ calibration: { ...calibration, z: calibration.x } }, 'INPUT_UNKNOWN'],
      [{ calibration: { x: normalRows(1, 600, 47) } }, 'SHAPE_MISMATCH'],
      [{ calibration: { x: new Tensor('int32', new Int32Array(48), [1, 48]) } }, 'DTYPE_MISMATCH'],
      [{ maxDisagreement: 1 }, 'OPTION_INVALID'],
      [{ maxDisagreement: -0.1 }, 'OPTION_INVALID'],
      [{ confidence: 1 }, 'OPTION_INVALID'],
      [{ decision: 'best' }, 'OPTION_INVALID'],
      [{ signal: AbortSignal.abort() }, 'ABORTED'],
    ];
    for (const [overrides, code] of cases)
      await assert.rejects(anneal(graph, evidence, optionsOf(overrides)), { code });
  });

  it('removes nothing on the word of a guard without positives', async () => {
    const first = lowRank(41, 32, 48, 3, 0.01);
    const graph = mlp([
      first,
      { weight: [first.weight[0].slice(0, 32), first.weight[1].slice(0, 32)], bias: [50, -50] },
    ]);
    const { certificate, layers } = await anneal(graph, evidenceOf(graph, { fc1: 3 }), optionsOf());
    assert.equal(certificate.stages.length, 0);
    assert.match(certificate.statement, /proves nothing/);
    assert.deepEqual(
      certificate.classes.map(({ decision, n }) => [decision, n]),
      [['0', 700]],
    );
    assert.ok(layers.every(({ choice }) => choice === 'dense'));
  });
});

describe('constant branches', () => {
  /** y = softmax(wide(x) + deep(x)), deep with small random weights. */
  function deepAndWide(scale: number): Graph {
    const random = createRandom(50);
    const shrink = ({ weight, bias }: LayerSpec): LayerSpec => ({
      weight: weight.map((row) => row.map((w) => scale * w)),
      bias: bias.map((b) => scale * b),
    });
    const [d1, d2] = [shrink(randomLayer(random, 20, 48, () => true)), shrink(randomLayer(random, 5, 20, () => true))];
    const wide = randomLayer(random, 5, 48, () => true);
    return makeGraph(
      { x: 48 },
      [
        node('deep1', 'Linear', ['x', 'd1.w', 'd1.b'], 'deep1', 'kerf'),
        node('act', 'Relu', ['deep1']),
        node('deep2', 'Linear', ['act', 'd2.w', 'd2.b'], 'deep2', 'kerf'),
        node('wide', 'Linear', ['x', 'w.w', 'w.b'], 'wide', 'kerf'),
        node('sum', 'Add', ['deep2', 'wide']),
        node('y', 'Softmax', ['sum']),
      ],
      {
        'd1.w': matrix(d1.weight),
        'd1.b': vector(d1.bias),
        'd2.w': matrix(d2.weight),
        'd2.b': vector(d2.bias),
        'w.w': matrix(wide.weight),
        'w.b': vector(wide.bias),
      },
    );
  }

  const verdicts = (graph: Graph): Evidence => {
    const evidence = evidenceOf(graph, {}, 'initialisation');
    return {
      ...evidence,
      tensors: evidence.tensors.map((t) => (t.layer === 'wide' ? { ...t, verdict: 'moved' as const } : t)),
    };
  };

  it('stand for a branch whose weights are their own initialisation', async () => {
    const graph = deepAndWide(0.05);
    const { layers, certificate, graph: result } = await anneal(graph, verdicts(graph), optionsOf());
    assert.deepEqual(
      layers.map(({ layer, choice, after }) => [layer, choice, after]),
      [
        ['deep1', 'removed', 0],
        ['deep2', 'constant', 5],
        ['wide', 'dense', 5 * 48 + 5],
      ],
    );
    assert.deepEqual([certificate.level, certificate.stages[1].name], ['C', 'constants']);
    assert.equal(cost(result), 5 * 48);
  });

  it('do not stand where the guard sees the branch matter', async () => {
    const graph = deepAndWide(1);
    const { layers, certificate } = await anneal(graph, verdicts(graph), optionsOf({ calibration: null }));
    assert.deepEqual(
      certificate.stages.map(({ name, passed }) => [name, passed]),
      [['control: branches at zero', false]],
    );
    assert.ok(layers.every(({ choice }) => choice === 'dense'));
  });
});
