/** The step loop and its kernels: order of sums, special values, refusals, aliasing, splits. */
import assert from 'node:assert/strict';
import { encodeStep, runners } from '../support/step-runner.js';

const { fround } = Math;
type Floats = Float32Array<ArrayBuffer>;

const [nan, inf] = [Number.NaN, Number.POSITIVE_INFINITY];

/** Lengths around vectors and the 16 partials of a sum. */
const lengths = [0, 1, 3, 4, 5, 15, 16, 17, 31, 33, 100, 4099];

/** Floats whose sum depends on the order. */
function rough(length: number, seed = 1): Floats {
  return Float32Array.from(
    { length },
    (_, i) => Math.sin(seed * 12.9898 + i * 78.233) * 10 ** (((i * 7 + seed) % 9) - 4),
  );
}

/** The stated tree of assembly/operators/reduce.ts, in float32. */
function treeSum(terms: Floats): number {
  let partials = new Float32Array(16);
  terms.forEach((term, k) => {
    partials[k % 16] += term;
  });
  for (let half = 8; half >= 1; half /= 2) {
    partials = partials.subarray(0, half).map((value, i) => value + partials[half + i]);
  }
  return partials[0];
}

for (const runner of runners) {
  const one = (kind: string, params: Record<string, string | number | number[]>, ...operands: Floats[]) => {
    assert.equal(runner.run(kind, params, operands), 0);
    return operands.at(-1)!;
  };

  describe(`reduce (${runner.name})`, () => {
    it('sums in the stated tree, whatever the stride of the axis', () => {
      for (const axis of lengths.slice(0, -1)) {
        for (const inner of [1, 2, 4, 5]) {
          const x = rough(axis * inner);
          const y = one('reduce', { f: 'sum', outer: 1, axis, inner }, x, new Float32Array(inner));
          for (let i = 0; i < inner; i++) {
            const column = x.filter((_, k) => k % inner === i);
            assert.equal(y[i], treeSum(column), `axis ${axis}, inner ${inner}`);
          }
        }
      }
    });

    it('lets NaN win, and gives log-sum-exp of infinities', () => {
      const run = (f: string, ...x: number[]) =>
        one('reduce', { f, outer: 1, axis: x.length, inner: 1 }, Float32Array.from(x), new Float32Array(1))[0];
      for (const f of ['sum', 'mean', 'max', 'min', 'prod', 'log-sum-exp']) assert.equal(run(f, 1, nan, 2), nan, f);
      assert.equal(run('log-sum-exp', -inf, -inf), -inf);
      assert.equal(run('log-sum-exp', 1, inf), inf);
      assert.equal(run('log-sum-exp', 1000, -inf), 1000);
    });
  });

  describe(`softmax (${runner.name})`, () => {
    it('does not overflow, and is NaN where the largest is infinite or NaN', () => {
      const run = (...x: number[]) => [
        ...one(
          'softmax',
          { f: 'softmax', outer: 1, axis: x.length, inner: 1 },
          Float32Array.from(x),
          new Float32Array(x.length),
        ),
      ];
      assert.deepEqual(run(3e38, 3e38, -3e38), [0.5, 0.5, 0]);
      assert.deepEqual(run(1, -inf), [1, 0]);
      assert.deepEqual(run(-inf, -inf), [nan, nan]);
      assert.deepEqual(run(1, nan, 2), [nan, nan, nan]);
    });

    it('gives a column the bits of the same row', () => {
      for (const f of ['softmax', 'log-softmax']) {
        for (const axis of lengths.slice(1, -1)) {
          const x = rough(axis * 3).map((value) => value / 100);
          const together = one('softmax', { f, outer: 1, axis, inner: 3 }, x, new Float32Array(axis * 3));
          for (let i = 0; i < 3; i++) {
            const column = (data: Floats) => data.filter((_, k) => k % 3 === i);
            const alone = one('softmax', { f, outer: 1, axis, inner: 1 }, column(x), new Float32Array(axis));
            assert.deepEqual(column(together), alone);
          }
        }
      }
    });
  });

  describe(`elementwise steps (${runner.name})`, () => {
    it('give an element the same bits at every place and length', () => {
      const x = rough(4099);
      for (const f of ['relu', 'exp', 'tanh', 'erf', 'log']) {
        const whole = one('unary', { f, count: x.length, alpha: 0, beta: 0 }, x, new Float32Array(x.length));
        for (const length of lengths) {
          const part = one('unary', { f, count: length }, x.slice(0, length), new Float32Array(length));
          assert.deepEqual(part, whole.slice(0, length));
        }
      }
    });

    it('treat max, min and division as numpy does', () => {
      const a = Float32Array.of(1, nan, -0, 0, inf, 1);
      const b = Float32Array.of(nan, 1, 0, 0, inf, 0);
      const run = (f: string) =>
        one('binary', { f, dims: [6], stridesA: [1], stridesB: [1] }, a, b, new Float32Array(6));
      assert.deepEqual([...run('max')], [nan, nan, 0, 0, inf, 1]);
      assert.deepEqual([...run('min')], [nan, nan, -0, 0, inf, 0]);
      assert.deepEqual([...run('div')], [nan, nan, nan, nan, nan, inf]);
    });

    it('computes powers of negative, zero and infinite bases', () => {
      const cases: readonly (readonly [x: number, y: number, power: number])[] = [
        [-2, 3, -8],
        [-2, 2, 4],
        [-2, -1, -0.5],
        [-2, 0.5, nan],
        [0, 0, 1],
        [nan, 0, 1],
        [1, nan, 1],
        [1, inf, 1],
        [-1, inf, 1],
        [-1, -inf, 1],
        [0, -1, inf],
        [-0, -1, -inf],
        [-0, -2, inf],
        [-0, 3, -0],
        [0, 2.5, 0],
        [inf, -1, 0],
        [-inf, 3, -inf],
        [-inf, 2, inf],
        [-inf, -3, -0],
        [-inf, 0.5, inf],
        [0.5, inf, 0],
        [2, -inf, 0],
        [2, inf, inf],
        [2, 127, 2 ** 127],
        [2, 128, inf],
        [2, -149, 2 ** -149],
        [2, -151, 0],
        [10, 10, 1e10],
        [nan, 1, nan],
        [-3, 16777216, inf],
        [-3, 101, -inf],
        [-1, 16777215, -1],
        [-1, 16777216, 1],
      ];
      const x = Float32Array.from(cases, ([base]) => base);
      const y = Float32Array.from(cases, ([, exponent]) => exponent);
      const box = { f: 'pow', dims: [cases.length], stridesA: [1], stridesB: [1] };
      const powers = one('binary', box, x, y, new Float32Array(cases.length));
      cases.forEach(([, , power], i) => {
        assert.ok(Object.is(powers[i], fround(power)), `${x[i]} ^ ${y[i]}: got ${powers[i]}, expected ${power}`);
      });
    });

    it('may write over their own operand', () => {
      for (const [kind, params] of [
        ['unary', { f: 'exp', count: 37 }],
        ['softmax', { f: 'softmax', outer: 1, axis: 37, inner: 1 }],
        ['softmax', { f: 'log-softmax', outer: 1, axis: 37, inner: 1 }],
      ] as const) {
        const x = rough(37).map((value) => value / 100);
        const apart = one(kind, params, x, new Float32Array(37));
        const inPlace = x.slice();
        assert.equal(runner.runInPlace(kind, params, inPlace, [0, 0]), 0);
        assert.deepEqual(inPlace, apart, kind);
      }
    });
  });

  describe(`steps whose addresses come from data (${runner.name})`, () => {
    const x = Float32Array.of(1, 2, 3, 4, 5, 6);
    const columns = { M: 2, N: 2, columns: 3, ldx: 3, ldy: 2 };

    it('refuse an index outside the operand, and write nothing', () => {
      for (const bad of [-1, 3, 2 ** 31 - 1, -(2 ** 31)]) {
        const y = new Float32Array(4);
        assert.equal(runner.run('gather-columns', columns, [x, Int32Array.of(0, bad), y]), 1);
        assert.deepEqual([...y], [0, 0, 0, 0]);
      }
      const axis = { elementBytes: 4, outer: 1, axis: 6, inner: 1, count: 1 };
      for (const bad of [-7, 6, 2 ** 31 - 1, -(2 ** 31)]) {
        assert.equal(runner.run('gather', axis, [x, Int32Array.of(bad), new Float32Array(1)]), 1);
      }
      const bag = { mode: 'sum', M: 1, L: 2, V: 2, D: 3 };
      for (const bad of [2, 2 ** 31 - 1]) {
        assert.equal(runner.run('embedding-bag', bag, [Int32Array.of(0, bad), x, undefined, new Float32Array(3)]), 1);
      }
    });

    it('take padding ids without a change of bits', () => {
      const [V, D] = [50, 21];
      const table = rough(V * D);
      const bias = rough(D, 5);
      for (const mode of ['sum', 'mean']) {
        const bag = (ids: number[]) => {
          const y = new Float32Array(D);
          const params = { mode, M: 1, L: ids.length, V, D };
          assert.equal(runner.run('embedding-bag', params, [Int32Array.from(ids), table, bias, y]), 0);
          return y;
        };
        const dense = bag([3, 49, 0, 3, 17]);
        assert.deepEqual(bag([3, 49, -1, 0, 3, -5, 17, -1, -1]), dense);
        assert.deepEqual(bag([-1, -1]), bias);
        assert.deepEqual(bag([]), bias);
        let first = 0;
        for (const id of [3, 49, 0, 3, 17]) first = fround(first + table[id * D]);
        assert.equal(dense[0], fround((mode === 'mean' ? fround(first / 5) : first) + bias[0]), 'ids ascend');
      }
    });
  });

  describe(`run_steps (${runner.name})`, () => {
    it('runs steps in order and says which one was refused', () => {
      const y = new Float32Array(2);
      const add = (ptr: number) =>
        encodeStep('binary', { f: 'add', dims: [2], stridesA: [1], stridesB: [1] }, [ptr, ptr, ptr]);
      const gather = (ptr: number) =>
        encodeStep('gather', { elementBytes: 4, outer: 1, axis: 2, inner: 1, count: 2 }, [ptr, ptr, ptr]);
      const fill = (ptr: number) => encodeStep('fill', { count: 2, value: 3 }, [ptr]);
      assert.equal(
        runner.runTape(y, (ptr) => [fill(ptr), add(ptr), gather(ptr), add(ptr)]),
        3,
      );
      assert.deepEqual([...y], [6, 6]);
      assert.equal(
        runner.runTape(y, () => []),
        0,
      );
      assert.equal(
        runner.runTape(y, () => [Int32Array.of(99, 2)]),
        1,
      );
    });
  });
}
