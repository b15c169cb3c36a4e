/** A batch without rows, through plans whose parts read and write columns. */
import assert from 'node:assert/strict';
import { createSession } from '../../../src/executors/create-session.js';
import { findParts } from '../../../src/parts/find-parts.js';
import { buildPlan } from '../../../src/plan/build-plan.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { plantedBlocks } from '../../support/networks.js';

describe('a batch without rows', () => {
  for (const executor of ['wasm', 'pool'] as const) {
    it(`runs through parts side by side (${executor})`, async () => {
      const { graph, parts, partOf } = findParts(plantedBlocks(3, [24, 36, 8], 4));
      assert.ok(parts.length >= 4);
      const session = createSession(buildPlan(graph, { parts, partOf }), null, { executor, threads: 2 });
      const y = (await session.run({ x: new Tensor('float32', new Float32Array(0), [0, 24]) })).y;
      assert.deepEqual([y.dims, y.size], [[0, 8], 0]);
      await session.release();
    });
  }
});
