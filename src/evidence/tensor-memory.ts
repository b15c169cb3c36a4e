/** How much memory testing a tensor takes, and how many threads may test tensors side by side within a limit. */
import type { TensorInput } from './tensor-input.js';

const MiB = 2 ** 20;

/** Memory that a run may take beside three times its largest tensor. */
const spareBytes = 200 * MiB;
/** What a thread takes before it has a tensor. */
const threadBytes = 40 * MiB;
/** Matrices up to so many columns are asked for blocks of them. */
const mostBlockColumns = 1024;

const tensorBytes = ({ rows, columns }: TensorInput) => 4 * rows * columns;

/**
 * Bytes that a thread takes to test a tensor: weights and scores; or weights, whitened weights, a turned copy of them
 * unless the rows are long already, and the Gram matrix of the shorter side.
 */
export function bytesToTest(input: TensorInput, hasInitial: boolean): number {
  const { rows, columns, kind } = input;
  const own = tensorBytes(input);
  if (kind === 'bias') return 2 * own + MiB;
  const shorter = Math.min(rows, columns);
  const turned = rows <= columns && columns % 4 === 0 ? 0 : own;
  const spectrum = 2 * own + turned + 8 * shorter * shorter;
  const blocks = columns <= mostBlockColumns ? 2 * own + 40 * columns * columns : 0;
  return Math.max(hasInitial ? 4 * own : 2 * own, spectrum, blocks) + 4 * MiB;
}

/**
 * The largest tensors that threads may take at the same time, in bytes to test one: the first takes any, the others
 * what it leaves of the limit.
 * @param needs  bytes to test each tensor
 * @param largest  bytes of the largest tensor
 * @param held  bytes that the process has in memory already, as far as they count
 * @returns one limit a thread; at least one thread
 */
export function shareMemory(needs: readonly number[], largest: number, held: number, threads: number): number[] {
  const left = 3 * largest + spareBytes - held - threadBytes - Math.max(...needs);
  const least = Math.min(...needs);
  for (let others = Math.min(threads, needs.length) - 1; others > 0; others--) {
    const each = left / others - threadBytes;
    if (each >= least) return [Number.POSITIVE_INFINITY, ...new Array<number>(others).fill(each)];
  }
  return [Number.POSITIVE_INFINITY];
}

/** Bytes of the largest of some tensors. */
export function largestBytes(inputs: readonly TensorInput[]): number {
  return Math.max(0, ...inputs.map(tensorBytes));
}
