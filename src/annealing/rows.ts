/** Rows of data: one array per model input, the first axis counts the samples. */
import { createHash, type Hash } from 'node:crypto';
import { analysisKernels } from '../evidence/analysis.js';
import type { Graph, Port } from '../graph/graph.js';
import { KerfError } from '../runtime/errors.js';
import type { Feeds } from '../runtime/executor.js';
import { formatExtent, isStatic } from '../runtime/extent.js';
import { elementCount, Tensor, type TensorData } from '../runtime/tensor.js';

/**
 * Number of samples.
 * @throws DATA_INVALID when an array has no first axis or the arrays differ in it
 */
export function rowCount(rows: Feeds, where = 'data'): number {
  let count = -1;
  for (const [name, tensor] of Object.entries(rows)) {
    const n = tensor.dims.length === 0 ? 0 : tensor.dims[0];
    if (count >= 0 && n !== count) {
      throw new KerfError(
        'DATA_INVALID',
        `${where}: array "${name}"`,
        `row counts differ: got ${n}, expected ${count}. Give every array the same first axis.`,
        { got: n, expected: count },
      );
    }
    count = n;
  }
  return Math.max(0, count);
}

/**
 * Checks that data have an array for each input of a graph, of its dtype and rank, and no other.
 * @throws INPUT_MISSING, INPUT_UNKNOWN, DTYPE_MISMATCH, SHAPE_MISMATCH naming the array; SHAPE_UNSUPPORTED where inputs take
 *   different numbers of samples; DATA_INVALID as
 *   {@link rowCount}, and for NaN and infinity
 */
export function requireInputs(graph: Graph, rows: Feeds, where: string): void {
  const names = graph.inputs.map(({ name }) => name);
  for (const port of graph.inputs)
    requireArray(port, Object.hasOwn(rows, port.name) ? rows[port.name] : undefined, where);
  const unknown = Object.keys(rows).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new KerfError(
      'INPUT_UNKNOWN',
      `${where}: array "${unknown}"`,
      `not an input of the model: got "${unknown}", expected ${names.join(', ')}. Remove or rename it.`,
    );
  }
  rowCount(rows, where);
  requireOneUnit(graph, where);
  for (const { name } of graph.inputs) requireFinite(name, rows[name], where);
}

/** Refuses models of which one input takes another number of samples a run than another. */
function requireOneUnit({ inputs }: Graph, where: string): void {
  const firsts = inputs.map(({ shape }) => formatExtent(shape[0]));
  if (new Set(firsts.filter((_, i) => isStatic(inputs[i].shape[0]))).size === 0 || new Set(firsts).size === 1) return;
  const problem = `the inputs take different numbers of samples a run: got ${inputs.map(({ name }, i) => `${name} [${firsts[i]}]`).join(', ')}, expected one number. Give all inputs the same first axis.`;
  throw new KerfError('SHAPE_UNSUPPORTED', where, problem);
}

/** Elements that are examined at a time: data sets are larger than the memory of the kernels should become. */
const pieceSize = 2 ** 20;

function countNotFinite(piece: TensorData<'float32'>): number {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const out = workspace.allocate('float64', 5); // sum, sum of squares, smallest, largest, not finite
    kernels.f32_moments(piece.length, workspace.copyIn('float32', piece).ptr, out.ptr);
    return workspace.view(out)[4];
  });
}

/** Exponents of float16 and bfloat16: all ones for what is not finite. */
const exponents: Readonly<Record<string, number>> = { float16: 0x7c00, bfloat16: 0x7f80 };

function notFiniteIn({ type, data, size }: Tensor): number {
  let bad = 0;
  if (type === 'float32') {
    const floats = data as TensorData<'float32'>;
    for (let first = 0; first < size; first += pieceSize)
      bad += countNotFinite(floats.subarray(first, first + pieceSize));
  } else if (type === 'float64') {
    for (const value of data as TensorData<'float64'>) if (!Number.isFinite(value)) bad++;
  } else if (Object.hasOwn(exponents, type)) {
    const exponent = exponents[type];
    for (const bits of data as TensorData<'float16'>) if ((bits & exponent) === exponent) bad++;
  }
  return bad;
}

/** A fit on NaN has no minimum, and nothing is promised for inputs that are not finite. */
function requireFinite(name: string, tensor: Tensor, where: string): void {
  const [bad, { size }] = [notFiniteIn(tensor), tensor];
  if (bad === 0) return;
  const problem = `not finite: got ${bad} NaN or infinite of ${size} elements, expected none. Remove those samples.`;
  throw new KerfError('DATA_INVALID', `${where}: array "${name}"`, problem, { got: bad });
}

function requireArray({ name, dtype, shape }: Port, tensor: Tensor | undefined, where: string): void {
  const place = `${where}: array "${name}"`;
  if (!tensor)
    throw new KerfError('INPUT_MISSING', place, 'missing: got nothing, expected an array of samples. Add it.');
  if (tensor.type !== dtype) {
    const problem = `dtype differs: got ${tensor.type}, expected ${dtype}. Convert the array.`;
    throw new KerfError('DTYPE_MISMATCH', place, problem, { got: tensor.type, expected: dtype });
  }
  const fits = shape.every((extent, i) => i === 0 || !isStatic(extent) || extent === tensor.dims[i]);
  if (tensor.dims.length === shape.length && fits) return;
  const expected = ['samples', ...shape.slice(1).map(formatExtent)].join(', ');
  const problem = `shape differs: got [${tensor.dims}], expected [${expected}]. Reshape the array.`;
  throw new KerfError('SHAPE_MISMATCH', place, problem, { got: tensor.dims });
}

/** Copies the rows at `indexes`, in that order. */
export function takeRows(rows: Feeds, indexes: readonly number[]): Feeds {
  return Object.fromEntries(Object.entries(rows).map(([name, tensor]) => [name, takeFrom(tensor, indexes)]));
}

/** Copies rows first .. end - 1. */
export function takeRange(rows: Feeds, first: number, end: number): Feeds {
  return takeRows(
    rows,
    Array.from({ length: end - first }, (_, i) => first + i),
  );
}

/** How many samples one run takes, where a model fixes it; undefined where it is open. */
export function samplesPerRun({ inputs: [port] }: Graph): number | undefined {
  const fixed = port?.shape[0];
  return fixed !== undefined && isStatic(fixed) && fixed > 0 ? fixed : undefined;
}

/** Rows that run together: about `wanted`, or as many as a model with a fixed first axis takes at a time. */
export function* chunksOf(
  graph: Graph,
  n: number,
  wanted: number,
): Generator<{ readonly first: number; readonly end: number }> {
  const unit = samplesPerRun(graph) ?? 1;
  const step = Math.ceil(wanted / unit) * unit;
  for (let first = 0; first < n; first += step) yield { first, end: Math.min(first + step, n) };
}

function takeFrom(tensor: Tensor, indexes: readonly number[]): Tensor {
  const stride = elementCount(tensor.dims.slice(1));
  const source = tensor.data as Float32Array;
  const data = new (source.constructor as Float32ArrayConstructor)(stride * indexes.length);
  for (let to = 0; to < indexes.length; to++) {
    data.set(source.subarray(indexes[to] * stride, (indexes[to] + 1) * stride), to * stride);
  }
  return new Tensor(tensor.type, data, [indexes.length, ...tensor.dims.slice(1)]);
}

/** Every row but at most `limit` of them, evenly spread: the same rows each time. */
export function thinRows(rows: Feeds, limit: number): Feeds {
  const n = rowCount(rows);
  if (n <= limit) return rows;
  return takeRows(rows, thinIndexes(n, limit));
}

/** The rows that {@link thinRows} keeps. */
export const thinIndexes = (n: number, limit: number): readonly number[] =>
  Array.from({ length: Math.min(n, limit) }, (_, i) => Math.floor((i * n) / Math.min(n, limit)));

const bytesOf = ({ data }: Tensor, first: number, end: number): Uint8Array => {
  const width = data.BYTES_PER_ELEMENT;
  return new Uint8Array(data.buffer, data.byteOffset + first * width, (end - first) * width);
};

const sortedEntries = (rows: Feeds): [string, Tensor][] => Object.entries(rows).sort(([a], [b]) => (a < b ? -1 : 1));

function describe(hash: Hash, name: string, tensor: Tensor, dims: readonly number[]): Hash {
  return hash.update(`${JSON.stringify([name, tensor.type, dims])}\n`);
}

/** Lower-case hex SHA-256 of all arrays with their names, dtypes and shapes, in the order of the names. */
export function hashRows(rows: Feeds): string {
  const hash = createHash('sha256');
  for (const [name, tensor] of sortedEntries(rows)) {
    describe(hash, name, tensor, tensor.dims).update(bytesOf(tensor, 0, tensor.size));
  }
  return hash.digest('hex');
}

/** One key per row; two rows have equal keys iff all their elements have equal bits. */
export function rowKeys(rows: Feeds): string[] {
  const entries = sortedEntries(rows);
  return Array.from({ length: rowCount(rows) }, (_, row) => {
    const hash = createHash('sha256');
    for (const [name, tensor] of entries) {
      const stride = elementCount(tensor.dims.slice(1));
      describe(hash, name, tensor, tensor.dims.slice(1)).update(bytesOf(tensor, row * stride, (row + 1) * stride));
    }
    return hash.digest('base64');
  });
}

/** The {@link rowKeys} where some rows are equal; null where no two are. */
export function keysOfRepeats(rows: Feeds): readonly string[] | null {
  const keys = rowKeys(rows);
  return new Set(keys).size < keys.length ? keys : null;
}

/**
 * Refuses a guard that holds rows of the calibration set: what was fitted on cannot prove anything.
 * @throws DATA_INVALID with the number of shared rows
 */
export function refuseOverlap(calibration: Feeds, guard: Feeds): void {
  const known = new Set(rowKeys(calibration));
  const shared = rowKeys(guard).filter((key) => known.has(key)).length;
  if (shared === 0) return;
  throw new KerfError(
    'DATA_INVALID',
    'guard',
    `rows are in the calibration data too: got ${shared} shared rows, expected 0. Use rows that were not calibrated on.`,
    { shared },
  );
}
