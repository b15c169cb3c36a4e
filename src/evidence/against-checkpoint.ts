/** Evidence on one tensor against its own values at initialisation. */
import { KerfError } from '../runtime/errors.js';
import type { Tensor, TensorData } from '../runtime/tensor.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';
import { findTouched, type Touched } from './checkpoint.js';
import type { FamilyResult, TensorEvidence, Verdict } from './evidence.js';
import { measureMoments } from './moments.js';
import { measureSpectrum } from './spectrum.js';
import type { TensorInput } from './tensor-input.js';

/** Initial weights by tensor name, as a file holds them: [out, in] or [in, out]. */
export type Checkpoint = ReadonlyMap<string, Tensor>;

function mismatch(name: string, problem: string): KerfError {
  return new KerfError('SHAPE_MISMATCH', `initial tensor "${name}"`, `${problem} Is it the same network?`);
}

/** w . a and w . b: which of two equally shaped candidates the weights came from. */
function dots(w: Block<'float32'>, a: TensorData<'float32'>, b: TensorData<'float32'>): readonly [number, number] {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const stride = Math.ceil(a.length / 4) * 4;
    const rows = workspace.allocate('float32', 3 * stride);
    const gram = workspace.allocate('float64', 9);
    const view = workspace.view(rows).fill(0);
    view.set(workspace.view(w), 0);
    view.set(a, stride);
    view.set(b, 2 * stride);
    kernels.f32_gram(3, a.length, rows.ptr, stride, gram.ptr);
    const products = workspace.view(gram);
    return [products[1], products[2]];
  });
}

function transposed(data: TensorData<'float32'>, rows: number, columns: number): TensorData<'float32'> {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const source = workspace.copyIn('float32', data);
    const target = workspace.allocate('float32', data.length);
    kernels.f32_transpose(rows, columns, source.ptr, columns, target.ptr, rows);
    return workspace.copyOut(target);
  });
}

/** The initial values in the orientation of the tested tensor. A square matrix takes the one it correlates with. */
export function oriented(input: TensorInput, initial: Tensor, weights: Block<'float32'>): TensorData<'float32'> {
  const { rows, columns, name } = input;
  if (initial.type !== 'float32') throw mismatch(name, `wrong dtype: got ${initial.type}, expected float32.`);
  const data = initial.data as TensorData<'float32'>;
  // A convolution is [O, I kh kw], as the weights are.
  const isKernel = initial.dims.length > 2 && initial.dims[0] === rows && data.length === rows * columns;
  const dims = isKernel ? [rows, columns] : initial.dims.filter((dim) => dim !== 1 || initial.dims.length === 2);
  const fits = (a: number, b: number) => dims.length === 2 && dims[0] === a && dims[1] === b;
  if (input.kind === 'bias' && data.length === columns) return data;
  if (rows === columns && fits(rows, columns)) {
    const other = transposed(data, rows, columns);
    const [asIs, turned] = dots(weights, data, other);
    return turned > asIs ? other : data;
  }
  if (fits(rows, columns)) return data;
  if (fits(columns, rows)) return transposed(data, columns, rows);
  throw mismatch(name, `shape: got [${initial.dims}], expected [${rows},${columns}] or [${columns},${rows}].`);
}

function verdictOf(touched: number, count: number): Verdict {
  if (touched <= 0.01 * count) return 'initialisation';
  return touched >= 0.5 * count ? 'moved' : 'partly';
}

function family(tested: number, supported: number): FamilyResult {
  return { tested, supported, control: 'per-test', level: 0 };
}

const nonZero = (counts: TensorData<'uint32'>) => counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);

function reasonOf({ weights, decay, columns }: Touched, count: number, isMatrix: boolean): string {
  const idle = columns.length - nonZero(columns);
  const fading = decay === 1 ? '' : `, after decay to ${decay.toPrecision(4)}`;
  const columnNote = isMatrix ? `; ${idle} of ${columns.length} columns were never updated` : '';
  return `${weights} of ${count} weights differ from the checkpoint${fading}${columnNote}.`;
}

/**
 * Tests a tensor against its initial values. A weight is supported iff training touched it; exact, without error rate.
 * @param weights  the tensor's values, [rows, columns]
 * @throws SHAPE_MISMATCH when the checkpoint's tensor has another shape or dtype
 */
export function analyzeAgainstCheckpoint(
  input: TensorInput,
  initial: Tensor,
  weights: Block<'float32'>,
): { readonly evidence: TensorEvidence; readonly touched: Touched } {
  const { workspace } = analysisKernels();
  const { rows, columns, name } = input;
  const count = weights.length;
  return workspace.scope(() => {
    const start = workspace.copyIn('float32', oriented(input, initial, weights));
    const isMatrix = input.kind !== 'bias';
    const std = measureMoments(name, start).std;
    const touched = findTouched(weights, start, rows, columns);
    const evidence: TensorEvidence = {
      name,
      layer: input.layer,
      law: 'checkpoint',
      lawSource: 'given',
      scaleRatio: count > 1 && std > 0 ? measureMoments(name, weights).std / std : Number.NaN,
      fit: { ks: Number.NaN, pValue: Number.NaN },
      verdict: verdictOf(touched.weights, count),
      reason: reasonOf(touched, count, isMatrix),
      weights: family(count, touched.weights),
      columns: isMatrix ? family(columns, nonZero(touched.columns)) : family(0, 0),
      rows: isMatrix ? family(rows, nonZero(touched.rows)) : family(0, 0),
      units: null,
      spectrum:
        isMatrix && Math.min(rows, columns) > 1 && std > 0
          ? measureSpectrum(weights, rows, columns, std * touched.decay)
          : null,
      blocks: null,
    };
    return { evidence, touched };
  });
}
