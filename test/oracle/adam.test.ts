/** The Adam kernel against the plain recurrence. */
import assert from 'node:assert/strict';
import { createRandom } from './random.js';
import { builds } from './statistics/builds.js';

for (const [build, { kernels, workspace }] of builds) {
  it(`a step of Adam and its average are those of the recurrence, ${build} build`, () => {
    const random = createRandom(1);
    const [rate, b1, b2, keep] = [0.01, 0.9, 0.99, 0.98];
    for (const n of [0, 1, 2, 7, 64]) {
      const draw = () => Float32Array.from({ length: n }, () => random.normal());
      const state = { w: draw(), m: draw(), v: draw().map((x) => x * x), a: draw() };
      for (let step = 1; step <= 3; step++) {
        const g = draw();
        const [c1, c2] = [1 - b1 ** step, 1 - b2 ** step];
        const before = Object.values(state).map((x) => Float64Array.from(x));
        workspace.scope(() => {
          const guarded = (x: Float32Array) => workspace.copyIn('float32', Float32Array.of(...x, 77));
          const blocks = [g, state.w, state.m, state.v, state.a].map(guarded);
          const [gPtr, wPtr, mPtr, vPtr, aPtr] = blocks.map(({ ptr }) => ptr);
          kernels.f32_adam_step(n, rate, b1, b2, c1, c2, keep, gPtr, wPtr, mPtr, vPtr, aPtr);
          for (const block of blocks) assert.equal(workspace.view(block)[n], 77);
          [state.w, state.m, state.v, state.a] = blocks
            .slice(1)
            .map((block) => workspace.copyOut(block).subarray(0, n));
        });
        const [w0, m0, v0, a0] = before;
        for (let i = 0; i < n; i++) {
          const m = b1 * m0[i] + (1 - b1) * g[i];
          const v = b2 * v0[i] + (1 - b2) * g[i] * g[i];
          const w = w0[i] - (rate * (m / c1)) / (Math.sqrt(v / c2) + 1e-12);
          // A few roundings in f64, one to f32.
          const close = (got: number, want: number, size: number) =>
            assert.ok(Math.abs(got - want) <= 2 ** -24 * Math.abs(want) + 2 ** -48 * size, `${got}, expected ${want}`);
          close(state.m[i], m, Math.abs(m0[i]) + Math.abs(g[i]));
          close(state.v[i], v, v);
          close(state.w[i], w, Math.abs(w0[i]) + Math.abs(w - w0[i]));
          close(state.a[i], keep * a0[i] + (1 - keep) * w, Math.abs(a0[i]) + Math.abs(w));
        }
      }
    }
  });
}
