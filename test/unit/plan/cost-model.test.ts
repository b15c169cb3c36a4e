import assert from 'node:assert/strict';
import { readCostTable, shippedCosts } from '../../../src/cost-table.js';
import type { Port } from '../../../src/graph/graph.js';
import { buildPlan } from '../../../src/plan/build-plan.js';
import { CostModel } from '../../../src/plan/cost-model.js';
import { timePrices } from '../../../src/prices.js';
import { createRandom } from '../../oracle/random.js';
import { mlp, randomLayer } from '../../support/networks.js';

const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** A table in which each tile takes a nanosecond for every multiply-add, and nothing else takes any. */
const plain = {
  version: 1,
  tiles: shippedCosts().tiles.map(({ rows, outputs }) => ({ rows, outputs, perInput: rows * outputs, each: 0 })),
  call: 0,
  step: 0,
  port: 0,
  gather: 0,
  copy: 0,
  far: 0,
  other: 0,
};

describe('the table of costs', () => {
  it('is read, and known by its bytes', () => {
    const [one, other] = [bytesOf(plain), bytesOf({ ...plain, step: 1 })].map((bytes) => readCostTable(bytes, 't'));
    assert.equal(one.tiles.length, 10);
    assert.match(one.hash, /^[0-9a-f]{64}$/);
    assert.notEqual(one.hash, other.hash);
  });

  it('is refused where it is none, or where a number is missing or no cost', () => {
    const without = ({ tiles, ...rest }: typeof plain) => ({ ...rest, tiles: tiles.slice(1) });
    const first = (change: object) => ({
      ...plain,
      tiles: [{ ...plain.tiles[0], ...change }, ...plain.tiles.slice(1)],
    });
    const refused: [unknown, RegExp][] = [
      [{ ...plain, version: 2 }, /version: got 2, expected 1/],
      [[], /version/],
      [{ ...plain, step: -1 }, /"step" is no cost: got -1/],
      [{ ...plain, step: 2e9 }, /"step" is no cost/],
      [{ ...plain, far: '1' }, /"far" has another type/],
      [{ ...plain, tiles: 3 }, /"tiles" has another type/],
      [without(plain), /tile of 1 x 4: got 0 entries/],
      [{ ...plain, tiles: [...plain.tiles, plain.tiles[3]] }, /tile of 1 x 16: got 2 entries/],
      [first({ perInput: 0 }), /got "perInput" of 0/],
      [first({ each: null }), /"each" has another type/],
    ];
    for (const [value, message] of refused) {
      assert.throws(() => readCostTable(bytesOf(value), 'costs.json'), { code: 'FILE_FORMAT', message });
    }
    assert.throws(() => readCostTable(Uint8Array.of(123), 'costs.json'), { code: 'FILE_FORMAT' });
  });
});

describe('the cost model', () => {
  const counting = new CostModel(readCostTable(bytesOf(plain), 't'));
  const shipped = new CostModel(shippedCosts());

  it('counts the outputs that the kernels compute: up to the next multiple of four', () => {
    for (const M of [1, 2, 3, 4, 5, 7, 64]) {
      for (let N = 1; N <= 50; N++) {
        assert.equal(counting.linear(M, N, 9), M * 4 * Math.ceil(N / 4) * 9, `${M} x ${N}`);
      }
    }
  });

  it('gives the same time to ranks that fill the same vectors, and more to every other', () => {
    for (let N = 1; N < 64; N++) {
      const [less, more] = [shipped.linear(64, N, 300), shipped.linear(64, N + 1, 300)];
      assert.ok(N % 4 === 0 ? more > less : more === less, `${N}`);
    }
  });

  it('sums a plan: its steps, its ports, and weights from far', () => {
    const random = createRandom(1);
    const graph = mlp([randomLayer(random, 12, 20, () => true), randomLayer(random, 4, 12, () => true)]);
    const plan = buildPlan(graph);
    const rows = new Map(plan.symbols.map((name) => [name, 6]));
    assert.equal(counting.call(plan, rows), 6 * (12 * 20 + 4 * 12));
    const table = readCostTable(bytesOf({ ...plain, call: 1000, step: 10, port: 1, far: 2 }), 't');
    const model = new CostModel(table);
    // Panels of 16 and 8 outputs, with their bias.
    const weights = 16 * 21 + 8 * 13;
    const call = 6 * (12 * 20 + 4 * 12) + 1000 + 2 * 10 + 6 * (20 + 4);
    assert.equal(model.call(plan, rows), call);
    assert.equal(model.farCall(plan, rows), call + 2 * weights);
    const prices = timePrices(table, graph, 6, new Map());
    assert.equal(prices.ofGraph(graph)(prices.rows), call);
    assert.equal(prices.ofFallback(graph)(6), call + 2 * weights);
  });

  it('prices calls of as many rows as a network fixes', () => {
    const fixed = (port: Port): Port => ({ ...port, shape: [1, ...port.shape.slice(1)] });
    const random = createRandom(1);
    const graph = mlp([randomLayer(random, 12, 20, () => true)]);
    const single = { ...graph, inputs: graph.inputs.map(fixed), outputs: graph.outputs.map(fixed) };
    const table = readCostTable(bytesOf(plain), 't');
    const [free, of1] = [timePrices(table, graph, 64, new Map()), timePrices(table, single, 64, new Map())];
    assert.deepEqual([free.rows, of1.rows], [64, 1]);
    assert.equal(free.ofLinear(1, 20, 12), 64 * of1.ofLinear(1, 20, 12));
  });
});
