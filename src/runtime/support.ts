/** The inputs that calibration has seen. A row that lights a column which no calibration row lit is outside. */
import type { Feeds } from './executor.js';
import { isStatic, product } from './extent.js';
import type { PlanPort } from './plan.js';

/** The columns of one float32 input that are zero on the support. */
export interface UnlitColumns {
  readonly input: string;
  /**
   * First and end of each span of columns, one span after the other, strictly ascending. Columns are the elements of a row,
   * counted over all axes behind the first.
   */
  readonly spans: readonly number[];
}

/** What is zero on the support; an input that is not named is supported everywhere. */
export type Support = readonly UnlitColumns[];

/** Columns of an input, over all axes behind the first; null where a run decides. */
export function columnsOf({ shape }: Pick<PlanPort, 'shape'>): number | null {
  const columns = product(shape.slice(1));
  return isStatic(columns) ? columns : null;
}

/** Why a support does not fit the inputs of a plan; undefined when it does. */
export function supportProblem(support: Support, inputs: readonly PlanPort[]): string | undefined {
  const names = new Set(support.map(({ input }) => input));
  const fits = support.every(({ input, spans }) => {
    const port = inputs.find(({ name, dtype }) => name === input && dtype === 'float32');
    const columns = port ? columnsOf(port) : null;
    const isAscending = spans.every((at, i) => Number.isSafeInteger(at) && at > (i === 0 ? -1 : spans[i - 1]));
    return columns !== null && spans.length > 0 && spans.length % 2 === 0 && isAscending && spans.at(-1)! <= columns;
  });
  return fits && names.size === support.length ? undefined : 'its support does not fit its inputs';
}

/**
 * The rows with a value other than zero (NaN is one) in a column that is zero on the support, ascending. A loop over
 * inputs, of the few columns alone: to copy a batch to where a kernel could read it takes longer.
 * @param feeds  checked against the plan
 */
export function rowsOutside(support: Support, feeds: Feeds, rows: number): Int32Array {
  const isOutside = new Uint8Array(rows);
  let count = 0;
  for (const { input, spans } of support) {
    const { buffer, byteOffset, length } = feeds[input].data as Float32Array;
    const bits = new Int32Array(buffer, byteOffset, length);
    const columns = length / rows;
    for (let row = 0; row < rows; row++) {
      let any = 0;
      for (let s = 0; s < spans.length; s += 2) {
        let at = row * columns + spans[s];
        const end = row * columns + spans[s + 1];
        for (; at < end - 3; at += 4) any |= bits[at] | bits[at + 1] | bits[at + 2] | bits[at + 3];
        for (; at < end; at++) any |= bits[at];
      }
      // Without its sign a float is zero only where all its bits are.
      if (any << 1 === 0 || isOutside[row]) continue;
      isOutside[row] = 1;
      count++;
    }
  }
  const outside = new Int32Array(count);
  for (let row = rows - 1; count > 0; row--) if (isOutside[row]) outside[--count] = row;
  return outside;
}
