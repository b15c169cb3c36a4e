/** Random plans of many parts, for properties that must hold of all of them. */
import type { Operand, Plan, PlanBuffer, PlanPart, PlanWeight, Step } from '../../src/runtime/plan.js';
import { scratchLength } from '../../src/runtime/step-kinds/windows.js';
import { batch, linearWeight, rowsOf, step } from './plans.js';
import type { Random } from './random.js';

/** Functions that no input of moderate size sends to infinity. */
const functions = ['relu', 'tanh', 'sigmoid', 'neg', 'abs', 'erf'];

/** Collects the pieces of a plan over `batch` rows. */
export class PlanMaker {
  readonly buffers: PlanBuffer[] = [];
  readonly weights: PlanWeight[] = [];
  readonly steps: Step[] = [];
  readonly parts: PlanPart[] = [];

  buffer(columns: number): number {
    return this.buffers.push({ dtype: 'float32', size: rowsOf(columns) }) - 1;
  }

  linear(N: number, K: number, random: Random): Operand {
    const name = `w${this.weights.length}`;
    return { weight: this.weights.push(linearWeight(name, N, K, random)) - 1 };
  }

  /** The columns of each row convolved with 3 weights and pooled: a buffer of as many columns. */
  windows(x: number, columns: number, random: Random): Operand {
    const data = random.floats(4);
    const weight =
      this.weights.push({ name: `w${this.weights.length}`, dtype: 'float32', shape: [1, 4], layout: 'plain', data }) -
      1;
    const [convolved, pooled] = [this.buffer(columns), this.buffer(columns)];
    const line = [1, 1, columns];
    const sizes = {
      input: line,
      kernel: [1, 1, 3],
      strides: [1, 1, 1],
      dilations: [1, 1, 1],
      pads: [0, 0, 1],
      output: line,
    };
    const tile = [1, random.integer(1, columns)];
    const scratch = scratchLength({ N: 1, groups: 1, C: 1, O: 1, ...sizes, tile });
    const room = (): Operand => ({ buffer: this.buffers.push({ dtype: 'float32', size: scratch }) - 1 });
    this.steps.push(
      step('conv', [{ buffer: x }, { weight }], [{ buffer: convolved }, room()], {
        ...{ N: batch, groups: 1, C: 1, O: 1 },
        ...sizes,
        tile,
      }),
      step('pool', [{ buffer: convolved }], [{ buffer: pooled }, room()], {
        ...{ f: random.pick(['max', 'sum']), N: batch, groups: 1 },
        ...sizes,
        tile,
      }),
    );
    return { buffer: pooled };
  }

  /** One time of an LSTM or a GRU over [batch, K] from zero states: a buffer [batch, H]. */
  recurrence(x: number, K: number, H: number, random: Random): Operand {
    const isLstm = random.next() < 0.5;
    const gates = isLstm ? 4 : 3;
    const [z, state, y] = [this.buffer(gates * H), this.buffer(H), { buffer: this.buffer(H) }];
    const sizes = { direction: random.pick(['forward', 'reverse']), T: 1, B: batch, H };
    this.steps.push(
      step('gemm', [{ buffer: x }, this.linear(gates * H, K, random)], [{ buffer: z }], { M: batch, N: gates * H, K }),
      step('fill', [], [{ buffer: state }], { count: rowsOf(H) }),
    );
    const rest = [{ buffer: state }, { buffer: state }];
    const scratch = { buffer: this.buffer(gates * H) };
    if (isLstm) {
      const reads = [{ buffer: z }, this.linear(4 * H, H, random), ...rest];
      this.steps.push(step('lstm', reads, [y, { buffer: this.buffer(H) }, scratch], sizes));
    } else {
      const reads = [{ buffer: z }, this.linear(2 * H, H, random), this.linear(H, H, random), rest[0]];
      const reset = random.pick(['before', 'after']);
      this.steps.push(step('gru', reads, [y, scratch], { ...sizes, reset }));
    }
    return y;
  }

  /** All steps added by `body` as one part. */
  part(after: readonly number[], body: () => void): number {
    const first = this.steps.length;
    body();
    const id = 10 + this.parts.length;
    this.parts.push({ id, first, end: this.steps.length, after });
    return id;
  }

  plan(inputs: readonly [buffer: number, columns: number][], output: readonly [buffer: number, columns: number]): Plan {
    const port = (name: string, [buffer, columns]: readonly [number, number]) =>
      ({ name, dtype: 'float32', shape: [batch, columns], buffer }) as const;
    const { buffers, weights, steps, parts } = this;
    return {
      version: 1,
      symbols: ['batch'],
      inputs: inputs.map((input, i) => port(`x${i}`, input)),
      outputs: [port('y', output)],
      buffers,
      weights,
      steps,
      parts,
      rows: 'batch',
    };
  }
}

/**
 * Blocks that read columns of x, or what earlier blocks wrote, and each write their columns of one wide buffer;
 * at the end a part that reads all of it.
 *
 *     x ─▶ block 0 ─▶ | columns 0 |
 *     x ─▶ block 1 ─▶ | columns 1 | ─▶ last part ─▶ y
 *     block 0 ─▶ block 2 ─▶ | columns 2 |
 */
export function randomPlan(random: Random): Plan {
  const maker = new PlanMaker();
  const K = random.integer(3, 40);
  const x = maker.buffer(K);
  const widths = Array.from({ length: random.integer(1, 6) }, () => random.integer(1, 24));
  const total = widths.reduce((sum, width) => sum + width, 0);
  const wide = maker.buffer(total);
  const ids: number[] = [];
  const starts = widths.map((_, i) => widths.slice(0, i).reduce((sum, width) => sum + width, 0));
  widths.forEach((width, i) => {
    const from = i > 0 && random.next() < 0.4 ? random.integer(0, i - 1) : -1;
    const source: Operand = from < 0 ? { buffer: x } : { buffer: wide, offset: starts[from] };
    const [columns, ldx] = from < 0 ? [K, K] : [widths[from], total];
    ids.push(
      maker.part(from < 0 ? [] : [ids[from]], () => {
        const H = random.integer(1, 40);
        const hidden = maker.buffer(H);
        const filtered = from < 0 && random.next() < 0.5 ? maker.windows(x, K, random) : null;
        maker.steps.push(
          step('gemm', [filtered ?? source, maker.linear(H, columns, random)], [{ buffer: hidden }], {
            M: batch,
            N: H,
            K: columns,
            ldx,
          }),
          step('unary', [{ buffer: hidden }], [{ buffer: hidden }], { f: random.pick(functions), count: rowsOf(H) }),
        );
        const G = random.integer(1, 9);
        const state = random.next() < 0.4 ? maker.recurrence(hidden, H, G, random) : null;
        const [last, inputs] = state ? [state, G] : [{ buffer: hidden }, H];
        maker.steps.push(
          step('gemm', [last, maker.linear(width, inputs, random)], [{ buffer: wide, offset: starts[i] }], {
            M: batch,
            N: width,
            K: inputs,
            ldy: total,
          }),
        );
      }),
    );
  });
  const N = random.integer(1, 12);
  const [logits, y] = [maker.buffer(N), maker.buffer(N)];
  maker.part(ids, () => {
    maker.steps.push(
      step('gemm', [{ buffer: wide }, maker.linear(N, total, random)], [{ buffer: logits }], { M: batch, N, K: total }),
      step('softmax', [{ buffer: logits }], [{ buffer: y }], { f: 'softmax', outer: batch, axis: N }),
    );
  });
  return maker.plan([[x, K]], [y, N]);
}
