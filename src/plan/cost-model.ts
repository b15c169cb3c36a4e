/**
 * How long a plan takes, estimated from a table of costs:
 *
 *     call + ports + sum over steps (step + what the step does)
 *
 * A linear step [M, K] x [K, N] is cut into tiles as the kernels cut it: 16 outputs and 2 rows, a last panel of 4, 8 or 12
 * outputs (up to 8 with 4 rows), what remains of the rows by lower tiles. What leaving
 * out zero inputs saves is not counted: it comes on top.
 */
import { type BoundStep, bindPlan } from '../runtime/bind-plan.js';
import { type Bindings, evaluate } from '../runtime/extent.js';
import type { Plan } from '../runtime/plan.js';
import { elementCount } from '../runtime/tensor.js';

/** A tile of the linear layer: so many rows and outputs at once. */
export interface TileCost {
  readonly rows: number;
  readonly outputs: number;
  /** For each input. */
  readonly perInput: number;
  /** For each tile, however many inputs it has. */
  readonly each: number;
}

export interface CostTable {
  readonly tiles: readonly TileCost[];
  /** A call of a session. */
  readonly call: number;
  /** A step. */
  readonly step: number;
  /** A number of an input or output, copied from or to the host. */
  readonly port: number;
  /** A number that a gather picks. */
  readonly gather: number;
  /** A number that is moved within memory. */
  readonly copy: number;
  /** A weight that no near cache holds. */
  readonly far: number;
  /** An operation of any other step: one multiply-add, or one element. */
  readonly other: number;
  /** Lower-case hex SHA-256 of the file. */
  readonly hash: string;
}

/** Rows and outputs of the tiles that the kernels have. */
export const tileShapes = [
  [1, 4],
  [1, 8],
  [1, 12],
  [1, 16],
  [2, 4],
  [2, 8],
  [2, 12],
  [2, 16],
  [4, 4],
  [4, 8],
] as const;

/** Outputs of a full panel, of a vector, and of the widest panel that takes four rows at a time. */
const [panel, vector, narrow] = [16, 4, 8];

/** Outputs up to the next multiple of it take no more time. */
export const freeOutputs = vector;

/** Kinds of steps whose work is multiply-adds of tiles. */
const multiplying: ReadonlySet<string> = new Set(['conv', 'lstm', 'gru']);

/** Nanoseconds by the table. */
export class CostModel {
  readonly #tiles: ReadonlyMap<number, TileCost>;

  constructor(readonly table: CostTable) {
    this.#tiles = new Map(table.tiles.map((tile) => [keyOf(tile.rows, tile.outputs), tile]));
  }

  /** The arithmetic for each output of a layer of many: a share of a full panel. */
  output(M: number, K: number): number {
    return this.#panel(M, panel, K) / panel;
  }

  /** The arithmetic of a linear layer of M rows, N outputs and K inputs. */
  linear(M: number, N: number, K: number): number {
    const tail = N % panel;
    const last = tail === 0 ? 0 : this.#panel(M, Math.ceil(tail / vector) * vector, K);
    return Math.floor(N / panel) * this.#panel(M, panel, K) + last;
  }

  #panel(M: number, outputs: number, K: number): number {
    let [time, rest] = [0, M];
    for (let rows = outputs <= narrow ? 4 : 2; rows > 0; rows >>= 1) {
      const { perInput, each } = this.#tiles.get(keyOf(rows, outputs)) as TileCost;
      time += Math.floor(rest / rows) * (perInput * K + each);
      rest %= rows;
    }
    return time;
  }

  /**
   * A call of a plan.
   * @param bindings  values of the symbolic dimensions
   * @complexity O(steps)
   */
  call(plan: Plan, bindings: Bindings): number {
    const { table } = this;
    const ports = [...plan.inputs, ...plan.outputs].reduce(
      (sum, { shape }) => sum + elementCount(shape.map((extent) => evaluate(extent, bindings))),
      0,
    );
    const steps = bindPlan(plan, bindings).steps.reduce((sum, step) => sum + table.step + this.#step(step), 0);
    return table.call + table.port * ports + steps;
  }

  /** A call of a plan before which another one ran: its weights come from far. */
  farCall(plan: Plan, bindings: Bindings): number {
    const weights = plan.weights.reduce((sum, { data }) => sum + data.length, 0);
    return this.call(plan, bindings) + this.table.far * weights;
  }

  #step({ step: { kind }, params, work }: BoundStep): number {
    const { table } = this;
    if (kind === 'gemm') {
      const [M, N, K, R = 0, batches = 1] = ['M', 'N', 'K', 'R', 'batches'].map((key) => params[key] as number);
      return batches * this.linear(M, N, K + R);
    }
    if (kind === 'gather' || kind === 'gather-columns') return table.gather * work;
    // Convolutions and recurrent layers run tiles of their own, about as fast as those of a linear layer.
    if (multiplying.has(kind)) {
      const { rows, outputs, perInput } = this.#tiles.get(keyOf(2, panel)) as TileCost;
      return (perInput / (rows * outputs)) * work;
    }
    return (kind === 'copy' ? table.copy : table.other) * work;
  }
}

const keyOf = (rows: number, outputs: number): number => rows * 2 * panel + outputs;
