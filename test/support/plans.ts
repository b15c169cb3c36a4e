/** Plans made by hand, so that the runtime is tested without the stages before it. */
import type { Extent } from '../../src/runtime/extent.js';
import { multiply, symbol } from '../../src/runtime/extent.js';
import { NR, panelLength, panelWidth } from '../../src/runtime/panels.js';
import type { Operand, Plan, PlanPart, PlanWeight, Step, StepParam } from '../../src/runtime/plan.js';
import { Random } from './random.js';

export const batch = symbol('batch');

/** `count` elements a row. */
export const rowsOf = (count: number): Extent => multiply(batch, count);

/** Panels of W [N, K] and bias [N], by the drawing in panels.ts. */
export function packPanels(
  W: ArrayLike<number>,
  bias: ArrayLike<number>,
  N: number,
  K: number,
): Float32Array<ArrayBuffer> {
  const panels = new Float32Array(panelLength(N, K));
  let at = 0;
  for (let first = 0, panel = 0; first < N; first += NR, panel++) {
    const width = panelWidth(N, panel);
    for (let k = -1; k < K; k++) {
      for (let n = 0; n < width; n++, at++) {
        if (first + n < N) panels[at] = k < 0 ? bias[first + n] : W[(first + n) * K + k];
      }
    }
  }
  return panels;
}

/** A linear layer y = W x + b with random numbers. */
export function linearWeight(name: string, N: number, K: number, random: Random): PlanWeight {
  const data = packPanels(random.floats(N * K), random.floats(N), N, K);
  return { name, dtype: 'float32', shape: [N, K], layout: 'panels', data };
}

export function step(
  kind: string,
  reads: readonly Operand[],
  writes: readonly Operand[],
  params: Readonly<Record<string, StepParam>>,
  node?: string,
): Step {
  return { kind, reads, writes, params, ...(node === undefined ? {} : { node }) };
}

/** All steps as one part. */
export const onePart = (steps: readonly Step[]): PlanPart[] => [{ id: 0, first: 0, end: steps.length, after: [] }];

/** x [batch, K] -> linear, relu -> linear -> softmax: y [batch, N]. */
export function mlpPlan(K = 20, H = 33, N = 10, seed = 1): Plan {
  const random = new Random(seed);
  const steps = [
    step('gemm', [{ buffer: 0 }, { weight: 0 }], [{ buffer: 1 }], { M: batch, N: H, K, lo: { real: 0 } }, 'fc1'),
    step('gemm', [{ buffer: 1 }, { weight: 1 }], [{ buffer: 2 }], { M: batch, N, K: H }, 'fc2'),
    step('softmax', [{ buffer: 2 }], [{ buffer: 3 }], { f: 'softmax', outer: batch, axis: N }, 'softmax'),
  ];
  return {
    version: 1,
    symbols: ['batch'],
    inputs: [{ name: 'x', dtype: 'float32', shape: [batch, K], buffer: 0 }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [batch, N], buffer: 3 }],
    buffers: [K, H, N, N].map((count) => ({ dtype: 'float32', size: rowsOf(count) })),
    weights: [linearWeight('fc1', H, K, random), linearWeight('fc2', N, H, random)],
    steps,
    parts: onePart(steps),
    rows: 'batch',
  };
}

/** The MLP again in f64, from the panels. */
export function mlpOracle(plan: Plan, x: Float32Array, rows: number): Float64Array {
  const K = plan.weights[0].shape[1];
  const [N] = plan.weights[1].shape;
  const y = new Float64Array(rows * N);
  for (let row = 0; row < rows; row++) {
    const hidden = applyPanels(plan.weights[0], x.subarray(row * K, (row + 1) * K)).map((value) => Math.max(0, value));
    const logits = applyPanels(plan.weights[1], hidden);
    const most = Math.max(...logits);
    const exps = logits.map((value) => Math.exp(value - most));
    const sum = exps.reduce((total, value) => total + value, 0);
    y.set(
      exps.map((value) => value / sum),
      row * N,
    );
  }
  return y;
}

function applyPanels({ shape: [N, K], data }: PlanWeight, x: ArrayLike<number>): Float64Array {
  const y = new Float64Array(N);
  for (let n = 0; n < N; n++) {
    const panel = Math.floor(n / NR);
    const width = panelWidth(N, panel);
    const start = panel * NR * (K + 1) + (n % NR);
    y[n] = Number(data[start]);
    for (let k = 0; k < K; k++) y[n] += Number(data[start + (k + 1) * width]) * x[k];
  }
  return y;
}
