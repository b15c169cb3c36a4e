/** Helpers that keep each operator's entry to what is particular about it. */
import type { DType } from '../../runtime/tensor.js';
import type { Fact, Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { nodeError, requireInput } from './attributes.js';

/** The last ai.onnx operator set whose definitions kerf implements. */
export const lastOpset = 24;

/** One version range of an operator and the dtypes it accepts there. */
export type Version = readonly [first: number, last: number, dtypes: readonly DType[]];

/** The rest of an operator, the same for all its versions. */
export type Definition = Omit<Operator, 'opsets' | 'dtypes' | 'domain'> & { readonly domain?: string };

/** One registry entry per version range. */
export function define(versions: readonly Version[], definition: Definition): readonly Operator[] {
  return versions.map(([first, last, dtypes]) => ({ domain: '', ...definition, opsets: [first, last], dtypes }));
}

/** For operators that treat rows alike; the plan checks that every value keeps its rows first. */
export const always = (): boolean => true;

/** @throws DTYPE_MISMATCH unless the given inputs have one dtype; absent ones are skipped */
export function requireSameDType(node: Node, inputs: readonly (Fact | undefined)[]): DType {
  const first = requireInput(node, inputs, 0).dtype;
  for (const fact of inputs) {
    if (fact && fact.dtype !== first) {
      throw nodeError(
        'DTYPE_MISMATCH',
        node,
        `inputs differ in dtype: got ${fact.dtype}, expected ${first}. Insert a Cast.`,
      );
    }
  }
  return first;
}
