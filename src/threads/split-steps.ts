/**
 * Cuts single large layers by their outputs, so that threads share them where there are too few rows to cut: the pieces
 * are parts that wait for what stands before the layer, and what stands behind it waits for all of them. Every output is
 * one sum in one order, so the bits do not change.
 *
 *     | before | layer | behind |  ─▶  | before | ─▶ | outputs 0.. | outputs n.. | .. | ─▶ | behind |
 */
import { type BoundStep, bindPlan } from '../runtime/bind-plan.js';
import { add, type Bindings } from '../runtime/extent.js';
import type { Operand, Plan, PlanBuffer, PlanPart, Step } from '../runtime/plan.js';
import { partsAtOnce } from '../runtime/task-order.js';

/** Multiply-adds of a piece: enough to pay for waking a thread. */
const pieceWork = 500_000;

/** Pieces for each thread, so that a slow one does not hold up the others for long. */
const piecesPerThread = 2;

/** Outputs of a piece are multiples of it: two panels of a linear layer, which one row takes at a time. */
const linearStep = 32;

/** Least outputs of a piece of a convolution, which lists its windows again. */
const convStep = 16;

/** From this many rows on there are enough chunks of rows. */
const manyRows = 16;

/** A piece of a step: its part of the outputs [first, first + count). */
type Cut = (first: number, count: number, scratch: () => Operand) => Step;

const moved = (operand: Operand, by: number): Operand => ({ ...operand, offset: add(operand.offset ?? 0, by) });

const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);

/** How a linear layer is cut, or null. */
function cutLinear({ step, params }: BoundStep): { size: number; unit: number; cut: Cut } | null {
  const { N, K, R = 0, batches = 1 } = params as Record<string, number>;
  const isFixed = [step.params['N'], step.params['K'], step.params['R'] ?? 0].every((size) => typeof size === 'number');
  if (!isFixed || batches !== 1) return null;
  const cut: Cut = (first, count) => ({
    ...step,
    reads: step.reads.map((operand, slot) => (slot === 1 ? moved(operand, first * (1 + K + R)) : operand)),
    writes: [moved(step.writes[0], first)],
    params: { ...step.params, N: count, ldy: step.params['ldy'] ?? N },
  });
  return { size: N, unit: linearStep, cut };
}

/** How the convolution of one image is cut, by outputs or by groups, or null. */
function cutConv({ step, params }: BoundStep): { size: number; unit: number; cut: Cut } | null {
  const { N = 1, groups = 1, C = 1, O = 1 } = params as Record<string, number>;
  const [input, kernel, output] = ['input', 'kernel', 'output'].map((name) => product(params[name] as number[]));
  if (N !== 1) return null;
  const byGroup = groups > 1;
  const strides = byGroup ? [C * input, O * (1 + C * kernel), O * output] : [0, 1 + C * kernel, output];
  const cut: Cut = (first, count, scratch) => ({
    ...step,
    reads: step.reads.map((operand, slot) => moved(operand, first * strides[slot])),
    writes: [moved(step.writes[0], first * strides[2]), scratch()],
    params: { ...step.params, N: 1, ...(byGroup ? { groups: count } : { O: count }) },
  });
  return { size: byGroup ? groups : O, unit: byGroup ? 1 : convStep, cut };
}

/** Collects the plan with its layers cut. */
class Splitter {
  readonly buffers: PlanBuffer[];
  readonly steps: Step[] = [];
  readonly parts: PlanPart[] = [];
  /** By part of the old plan, the new ones that it ends with. */
  readonly #ends = new Map<number, readonly number[]>();

  constructor(
    readonly plan: Plan,
    readonly threads: number,
  ) {
    this.buffers = [...plan.buffers];
  }

  addPart({ id, first, end, after }: PlanPart, bound: readonly BoundStep[]): void {
    let waits = after.flatMap((other) => this.#ends.get(other) ?? []);
    let open: BoundStep[] = [];
    const close = () => {
      if (open.length > 0)
        waits = [
          this.#add(
            id,
            open.map(({ step }) => step),
            waits,
          ),
        ];
      open = [];
    };
    for (const step of bound.slice(first, end)) {
      const pieces = this.#piecesOf(step);
      if (pieces.length < 2) open.push(step);
      else {
        close();
        const before = waits;
        waits = pieces.map((piece) => this.#add(id, [piece], before));
      }
    }
    close();
    this.#ends.set(id, waits);
  }

  #add(of: number, steps: readonly Step[], after: readonly number[]): number {
    const [id, first] = [this.parts.length, this.steps.length];
    this.steps.push(...steps);
    this.parts.push({ id, first, end: this.steps.length, after, of });
    return id;
  }

  #piecesOf(step: BoundStep): Step[] {
    const cutter = step.step.kind === 'gemm' ? cutLinear : step.step.kind === 'conv' ? cutConv : null;
    const way = step.work >= 2 * pieceWork ? cutter?.(step) : null;
    if (!way) return [];
    const { size, unit, cut } = way;
    const count = Math.min(piecesPerThread * this.threads, Math.floor(step.work / pieceWork));
    const width = Math.ceil(size / count / unit) * unit;
    return Array.from({ length: Math.ceil(size / width) }, (_, i) =>
      cut(i * width, Math.min(width, size - i * width), () => this.#scratchLike(step.step.writes[1])),
    );
  }

  /** Room of its own for a piece. */
  #scratchLike(operand: Operand): Operand {
    const { buffer } = operand as { readonly buffer: number };
    return { buffer: this.buffers.push(this.plan.buffers[buffer]) - 1 };
  }
}

/**
 * The plan with its large layers cut for `threads` threads, where a run of `bindings` has few rows and its parts do not keep
 * the threads busy; else the plan itself.
 * @complexity O(steps)
 */
export function splitSteps(plan: Plan, bindings: Bindings, threads: number): Plan {
  const rows = plan.rows === null ? 1 : (bindings.get(plan.rows) ?? 1);
  if (threads < 2 || rows >= manyRows) return plan;
  const bound = bindPlan(plan, bindings);
  if (partsAtOnce(bound) >= threads) return plan;
  const splitter = new Splitter(plan, threads);
  for (const part of plan.parts) splitter.addPart(part, bound.steps);
  if (splitter.steps.length === plan.steps.length) return plan;
  return { ...plan, buffers: splitter.buffers, steps: splitter.steps, parts: splitter.parts };
}
