/** Answers of two networks on the same samples. */
import type { Tensor } from '../runtime/tensor.js';

export interface AnswerComparison {
  readonly n: number;
  /** Samples with the same answer. */
  readonly same: number;
  readonly correctBefore: number;
  readonly correctAfter: number;
  /** Largest change of one output. */
  readonly largestChange: number;
}

/** Position of the largest value of each row. */
export function answersOf({ data, dims }: Tensor): number[] {
  const width = dims.at(-1)!;
  return Array.from({ length: dims[0] }, (_, row) => {
    const values = data.subarray(row * width, (row + 1) * width) as Float32Array;
    return values.indexOf(values.reduce((a, b) => Math.max(a, b)));
  });
}

function largestChange(before: Tensor, after: Tensor): number {
  const other = after.data as Float32Array;
  return (before.data as Float32Array).reduce((most, value, i) => Math.max(most, Math.abs(value - other[i])), 0);
}

/** @param truth  the right answer of each sample */
export function compareAnswers(before: Tensor, after: Tensor, truth: ArrayLike<number>): AnswerComparison {
  const [first, second] = [answersOf(before), answersOf(after)];
  const countOf = (test: (i: number) => boolean) => first.filter((_, i) => test(i)).length;
  return {
    n: first.length,
    same: countOf((i) => first[i] === second[i]),
    correctBefore: countOf((i) => first[i] === truth[i]),
    correctAfter: countOf((i) => second[i] === truth[i]),
    largestChange: largestChange(before, after),
  };
}
