/** Finds the rows of a batch of which a network is not sure: a margin below tau, or no number. */
import type { Outputs } from './executor.js';
import { bindRuntime, type Kernels, type RuntimeKernels } from './kernels.js';
import { elementCount, type Tensor } from './tensor.js';
import { createMemory } from './wasm.js';
import { type Block, Workspace } from './workspace.js';

/** What a margin is, in the outputs of a network. */
export interface MarginRule {
  /** Float32 outputs whose first axis counts the rows; a row's margin is the least of all its decisions. */
  readonly outputs: readonly string[];
  /** `argmax`: largest minus second largest along the last axis. `threshold`: distance of each element from `at`. */
  readonly decision: 'argmax' | 'threshold';
  /** The threshold; 0 for `argmax`. */
  readonly at: number;
}

/** [rows, positions, columns] as which an output is decided on: the last axis is the columns, if it is not the first. */
function decisionShape({ dims }: Tensor): readonly [rows: number, positions: number, columns: number] {
  const columns = dims.length > 1 ? (dims.at(-1) as number) : 1;
  return [dims[0], elementCount(dims.slice(1, -1)), columns];
}

/** The margin kernels in a small memory of their own. */
export class Margins {
  readonly #kernels: RuntimeKernels;
  readonly #workspace: Workspace;

  constructor(
    readonly rule: MarginRule,
    kernels: Kernels,
  ) {
    const memory = createMemory(1);
    this.#kernels = bindRuntime(kernels, memory);
    this.#workspace = new Workspace(memory, this.#kernels.heap_base());
  }

  /** The margin of each row; the caller owns the array. */
  of(outputs: Outputs): Float32Array {
    return this.#workspace.scope(() => this.#workspace.copyOut(this.#compute(outputs)));
  }

  /** The rows whose margin is below `tau` or no number, ascending; none where no output decides. */
  rowsBelow(outputs: Outputs, tau: number): Int32Array {
    if (this.rule.outputs.length === 0) return new Int32Array(0);
    const limit = Math.fround(tau);
    return this.#workspace.scope(() => {
      const rows: number[] = [];
      this.#workspace.view(this.#compute(outputs)).forEach((margin, row) => {
        if (!(margin >= limit)) rows.push(row);
      });
      return Int32Array.from(rows);
    });
  }

  /** Margins [rows] in the memory of the kernels. */
  #compute(outputs: Outputs): Block<'float32'> {
    const { outputs: names, decision, at } = this.rule;
    const margins = this.#workspace.allocate('float32', outputs[names[0]].dims[0]);
    this.#workspace.view(margins).fill(Number.POSITIVE_INFINITY);
    for (const name of names) {
      const [rows, positions, columns] = decisionShape(outputs[name]);
      this.#workspace.scope(() => {
        const x = this.#workspace.copyIn('float32', outputs[name].data as Float32Array<ArrayBuffer>);
        const word = decision === 'argmax' ? 0 : 1;
        this.#kernels.f32_margins(word, rows, positions, columns, at, x.ptr, margins.ptr);
      });
    }
    return margins;
  }
}
