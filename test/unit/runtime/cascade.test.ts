import assert from 'node:assert/strict';
import { createPackageSession } from '../../../src/executors/create-session.js';
import { createCascadeExecutor } from '../../../src/runtime/cascade.js';
import type { KerfError } from '../../../src/runtime/errors.js';
import type { FallbackOptions } from '../../../src/runtime/fallback-watch.js';
import { InferenceSession } from '../../../src/runtime/inference-session.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../../src/runtime/wasm-executor.js';
import { cascadeOf, compressedPlan, originalPlan, rule } from '../../support/cascades.js';
import { withCode } from '../../support/codes.js';
import { Random } from '../../support/random.js';

const feed = (rows: number, seed = 3) => new Tensor('float32', new Random(seed).floats(rows * 20), [rows, 20]);
const [compressed, original] = [compressedPlan(), originalPlan()].map((plan) => createWasmExecutor(plan));

/** What the cascade must give, row by row, and how many rows fall. */
function expected(x: Tensor, tau = rule.tau): { y: Float32Array; fallen: number } {
  const y = compressed.runSync({ x }, {})['y'].data as Float32Array;
  const dense = original.runSync({ x }, {})['y'].data as Float32Array;
  let fallen = 0;
  for (let row = 0; row < x.dims[0]; row++) {
    const [top, second] = [...y.subarray(10 * row, 10 * row + 10)].sort((a, b) => b - a);
    if (Math.fround(top - second) >= Math.fround(tau)) continue;
    fallen++;
    y.set(dense.subarray(10 * row, 10 * row + 10), 10 * row);
  }
  return { y, fallen };
}

function sessionOf(tau = rule.tau, options: FallbackOptions = {}, maxFallbackRate = 1): InferenceSession {
  const [small, large] = [compressedPlan(), originalPlan()].map((plan) => createWasmExecutor(plan));
  const executor = createCascadeExecutor({ ...rule, tau, maxFallbackRate }, small, large, options);
  return InferenceSession.fromExecutor(compressedPlan(), executor);
}

describe('cascade', () => {
  it('gives unsure rows to the original and keeps the others, bit for bit, on any number of threads', async () => {
    for (const threads of [0, 1, 2, 4]) {
      const choice = threads === 0 ? ({ executor: 'wasm' } as const) : ({ executor: 'pool', threads } as const);
      const session = createPackageSession({ plan: compressedPlan(), cascade: cascadeOf(), certificate: null }, choice);
      let [rows, fallen] = [0, 0];
      for (const count of [1, 64, 301, 0]) {
        const x = feed(count);
        const want = expected(x);
        assert.deepEqual((await session.run({ x }))['y'].data, want.y, `run, ${threads} threads, ${count} rows`);
        assert.deepEqual(session.runSync({ x })['y'].data, want.y, `runSync, ${threads} threads, ${count} rows`);
        rows += 2 * count;
        fallen += 2 * want.fallen;
      }
      assert.ok(fallen > 0 && fallen < rows, `${fallen} of ${rows}`);
      const stats = session.stats();
      assert.equal(stats.fallbackRate, fallen / rows);
      assert.equal(stats.runs, 8);
      await session.release();
    }
  });

  it('runs neither twice: no row falls at tau 0, all fall at a huge one', async () => {
    const x = feed(40);
    assert.deepEqual(sessionOf(0).runSync({ x })['y'].data, compressed.runSync({ x }, {})['y'].data);
    const all = sessionOf(2);
    assert.deepEqual((await all.run({ x }))['y'].data, original.runSync({ x }, {})['y'].data);
    assert.equal(all.stats().fallbackRate, 1);
  });

  it('gives rows outside the support to the original, counted apart, bit for bit, on any number of threads', async () => {
    const support = [{ input: 'x', spans: [3, 5, 19, 20] }];
    // Of the rest, values that count as zero and some that do not; row 17 holds NaN, row 18 the smallest number.
    const x = feed(64);
    for (let row = 0; row < 64; row++) for (const at of [3, 4, 19]) x.data[20 * row + at] = row % 2 === 0 ? 0 : -0;
    const outside = [4, 17, 18, 60];
    [x.data[83], x.data[20 * 17 + 4], x.data[20 * 18 + 19], x.data[20 * 60 + 3]] = [1, Number.NaN, 1.4e-45, -2];
    const isBelow = (row: number) =>
      expected(new Tensor('float32', x.data.slice(20 * row, 20 * row + 20), [1, 20])).fallen;
    const fallen = Array.from({ length: 64 }, (_, row) => row).filter(
      (row) => outside.includes(row) || isBelow(row) > 0,
    );
    const want = compressed.runSync({ x }, {})['y'].data as Float32Array;
    const dense = original.runSync({ x }, {})['y'].data as Float32Array;
    for (const row of fallen) want.set(dense.subarray(10 * row, 10 * row + 10), 10 * row);
    for (const threads of [0, 1, 2, 4]) {
      const choice = threads === 0 ? ({ executor: 'wasm' } as const) : ({ executor: 'pool', threads } as const);
      const made = { plan: compressedPlan(), cascade: cascadeOf({ support }), certificate: null };
      const session = createPackageSession(made, choice);
      assert.deepEqual((await session.run({ x }))['y'].data, want, `${threads} threads`);
      assert.deepEqual(session.runSync({ x })['y'].data, want, `runSync, ${threads} threads`);
      const { fallback, fallbackRate } = session.stats();
      assert.equal(fallbackRate, fallen.length / 64);
      assert.deepEqual(fallback, { rows: 128, support: 4 / 64, margin: (fallen.length - 4) / 64 });
      await session.release();
    }
  });

  it('asks the support alone where no output decides', async () => {
    const alone = { ...rule, outputs: [], tau: 0, support: [{ input: 'x', spans: [0, 20] }] };
    const executor = createCascadeExecutor(
      alone,
      createWasmExecutor(compressedPlan()),
      createWasmExecutor(originalPlan()),
    );
    const x = feed(3);
    x.data.fill(0, 20, 40);
    const y = executor.runSync({ x }, {})['y'].data as Float32Array;
    const [small, large] = [compressed, original].map((one) => one.runSync({ x }, {})['y'].data as Float32Array);
    assert.deepEqual(y, Float32Array.of(...large.subarray(0, 10), ...small.subarray(10, 20), ...large.subarray(20)));
    assert.deepEqual(await executor.run({ x }, { outputs: [] }), {});
    assert.equal(executor.stats().fallback!.support, 2 / 3);
  });

  it('gives rows without a number to the original', () => {
    const x = feed(3);
    x.data[25] = Number.NaN;
    const session = sessionOf(0);
    session.runSync({ x });
    assert.equal(session.stats().fallbackRate, 1 / 3);
  });

  it('reads feeds before run returns, and gives only the outputs wanted', async () => {
    const session = sessionOf();
    const x = feed(64);
    const want = expected(x).y;
    const running = session.run({ x });
    x.data.fill(9);
    assert.deepEqual((await running)['y'].data, want);
    assert.deepEqual(Object.keys(session.runSync({ x }, { outputs: [] })), []);
  });

  it('reads margins from a threshold', () => {
    const near = { ...rule, decision: 'threshold', at: 0.2, tau: 0.002 } as const;
    const session = InferenceSession.fromExecutor(
      compressedPlan(),
      createCascadeExecutor(near, createWasmExecutor(compressedPlan()), createWasmExecutor(originalPlan())),
    );
    const x = feed(200);
    const y = compressed.runSync({ x }, {})['y'].data as Float32Array;
    const isNear = (row: number) => y.subarray(10 * row, 10 * row + 10).some((value) => Math.abs(value - 0.2) < 0.002);
    const near200 = Array.from({ length: 200 }, (_, row) => row).filter(isNear).length;
    session.runSync({ x });
    assert.ok(near200 > 0);
    assert.equal(session.stats().fallbackRate, near200 / 200);
  });

  it('passes signal and limit of time on', async () => {
    const session = sessionOf();
    await assert.rejects(session.run({ x: feed(1) }, { signal: AbortSignal.abort() }), withCode('ABORTED'));
    assert.throws(() => session.runSync({ x: feed(64) }, { timeoutMs: 1e-9 }), withCode('TIMEOUT'));
  });

  it('warns once when more rows fall than certified, and again after a normal time', () => {
    const warnings: KerfError[] = [];
    const session = sessionOf(2, { onWarning: (warning) => warnings.push(warning) }, 0.5);
    session.runSync({ x: feed(6) });
    assert.equal(warnings.length, 0, 'chance');
    for (let i = 0; i < 3; i++) session.runSync({ x: feed(100) });
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['FALLBACK_LIMIT'],
    );
    assert.match(warnings[0].message, /got 100.00 % .* at most 50.00 %/);
  });

  it('runs the original alone, or rejects, when the caller says so', async () => {
    const dense = sessionOf(0.05, { fallbackAction: 'dense', maxFallbackRate: 0.01, onWarning: () => undefined });
    dense.runSync({ x: feed(301) });
    const x = feed(64);
    assert.deepEqual(dense.runSync({ x })['y'].data, original.runSync({ x }, {})['y'].data);
    assert.deepEqual((await dense.run({ x }))['y'].data, original.runSync({ x }, {})['y'].data);
    const strict = sessionOf(0.05, { fallbackAction: 'error', maxFallbackRate: 0.01 });
    await assert.rejects(strict.run({ x: feed(301) }), withCode('FALLBACK_LIMIT', 'expected at most 1.00 %'));
  });

  it('refuses options out of range', () => {
    assert.throws(() => sessionOf(1, { maxFallbackRate: 2 }), withCode('OPTION_INVALID', 'maxFallbackRate'));
    const fallbackAction = 'stop' as 'warn';
    assert.throws(() => sessionOf(1, { fallbackAction }), withCode('OPTION_INVALID', 'fallbackAction'));
  });
});
