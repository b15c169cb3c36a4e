/** `parts` independent stacks of layers over one x; the work of a part can be chosen. */
import type { Plan } from '../../src/runtime/plan.js';
import { batch, step } from './plans.js';
import type { Random } from './random.js';
import { PlanMaker } from './random-plan.js';

/**
 * Each part: x [batch, width] -> `depth` square layers with ReLU -> its `width` columns of y.
 * Multiply-adds of a part: rows * depth * width^2.
 */
export function blockPlan(parts: number, width: number, depth: number, random: Random): Plan {
  const maker = new PlanMaker();
  const x = maker.buffer(width);
  const y = maker.buffer(parts * width);
  for (let part = 0; part < parts; part++) {
    maker.part([], () => {
      let from: { buffer: number } = { buffer: x };
      for (let layer = 0; layer < depth; layer++) {
        const isLast = layer === depth - 1;
        const to = isLast ? { buffer: y, offset: part * width } : { buffer: maker.buffer(width) };
        const ldy = isLast ? parts * width : width;
        const params = { M: batch, N: width, K: width, ldy, lo: { real: 0 } };
        maker.steps.push(step('gemm', [from, maker.linear(width, width, random)], [to], params));
        from = to;
      }
    });
  }
  return { ...maker.plan([[x, width]], [y, parts * width]), rows: null };
}
