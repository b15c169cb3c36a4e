/** What `kerf ops` prints: the registry, and the operators that are written out in terms of it. */
import type { DType } from '../runtime/tensor.js';
import { fusedForms } from './fused/index.js';
import { operators } from './operators/index.js';

/** One line of `kerf ops`. */
export interface OperatorListing {
  readonly name: string;
  /** '' for ai.onnx, 'kerf' for kerf's own, 'com.microsoft' for those that onnxruntime fuses. */
  readonly domain: string;
  /** First and last ai.onnx operator set. */
  readonly opsets: readonly [first: number, last: number];
  /** Of the first data input. */
  readonly dtypes: readonly DType[];
  /** `kernel`: steps for WASM, at least in float32; `reference`: slow TypeScript, which kerf/runtime refuses. */
  readonly lowering: 'kernel' | 'reference';
}

/** Those without steps of their own for which a canonical graph has others, with constant weights. */
const rewritten = new Set(['Attention', 'ConvInteger', 'QLinearConv']);

const order = ({ domain, name }: OperatorListing) => `${domain}:${name}`;

/** Every operator and version range, sorted by domain and name. */
export function listOperators(): readonly OperatorListing[] {
  const own = operators.map(({ name, domain, opsets, dtypes, lower }): OperatorListing => {
    return { name, domain, opsets, dtypes, lowering: lower || rewritten.has(name) ? 'kernel' : 'reference' };
  });
  const fused = fusedForms.map((form): OperatorListing => ({ ...form, lowering: 'kernel' }));
  return [...own, ...fused].sort((a, b) => (order(a) < order(b) ? -1 : order(a) === order(b) ? 0 : 1));
}
