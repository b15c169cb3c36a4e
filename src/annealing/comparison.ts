/** How far the outputs of a changed network are those of the original, sample by sample. */
import { analysisKernels } from '../evidence/analysis.js';
import { toNumbers } from '../graph/operators/elements.js';
import type { Outputs } from '../runtime/executor.js';
import type { Tensor } from '../runtime/tensor.js';
import type { Decision } from './decision.js';

/** Agreement within one class of the original's decisions. */
export interface ClassAgreement {
  readonly decision: string;
  readonly n: number;
  readonly seen: number;
}

export interface Comparison {
  /** Items: samples, or clusters of them where groups are given. */
  readonly n: number;
  /** Items whose decision differs: a cluster differs if any of its samples does. */
  readonly seen: number;
  /** Samples. */
  readonly rows: number;
  /** Whether an item is a sample and all that equal it. */
  readonly areRepeats: boolean;
  /** 1 where a sample's decision differs, length rows. */
  readonly differs: Uint8Array;
  /** ||changed - original|| / ||original|| over all samples. */
  readonly rel: number;
  readonly maxAbs: number;
  /** Samples of which any output element differs in its bits. */
  readonly unequal: number;
  /** By the original's decision; one class `all` where decisions have no classes. */
  readonly classes: readonly ClassAgreement[];
}

/** Floats of a tensor; other dtypes are converted. */
function floatsOf(tensor: Tensor): Float32Array<ArrayBuffer> {
  return tensor.type === 'float32'
    ? (tensor.data as Float32Array<ArrayBuffer>)
    : Float32Array.from(toNumbers(tensor), Number);
}

/** Rows and columns as which a tensor's last axis is decided on. */
function lastAxis(tensor: Tensor): [rows: number, columns: number] {
  const columns = tensor.dims.length > 1 ? (tensor.dims.at(-1) as number) : 1;
  return [columns === 0 ? 0 : tensor.size / columns, columns];
}

/**
 * Decisions along the last axis of one output: class numbers, one per position; -1 for NaN.
 * @returns length size / last dimension (for `threshold` and whole numbers: size)
 */
export function decide(tensor: Tensor, decision: Decision): Int32Array {
  const data = floatsOf(tensor);
  if (decision.kind === 'threshold')
    return Int32Array.from(data, (x) => (Number.isNaN(x) ? -1 : x >= decision.at ? 1 : 0));
  if (!tensor.type.startsWith('float')) return Int32Array.from(data);
  const [rows, columns] = lastAxis(tensor);
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const x = workspace.copyIn('float32', data);
    const out = workspace.allocate('int32', rows);
    kernels.f32_argmax_rows(rows, columns, x.ptr, out.ptr);
    return workspace.copyOut(out);
  });
}

/** [n][4]: squared distance, squared norm, largest difference, unequal elements of each sample. */
function distances(n: number, original: Tensor, changed: Tensor): Float64Array {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const a = workspace.copyIn('float32', floatsOf(original));
    const b = workspace.copyIn('float32', floatsOf(changed));
    const out = workspace.allocate('float64', n * 4);
    kernels.f32_row_distances(n, n === 0 ? 0 : original.size / n, a.ptr, b.ptr, out.ptr);
    return workspace.copyOut(out);
  });
}

/** Adds the distances of all outputs. */
function totalOf(n: number, parts: readonly Float64Array[]): Float64Array {
  const total = new Float64Array(n * 4);
  for (const part of parts) {
    for (let i = 0; i < total.length; i++) total[i] = i % 4 === 2 ? Math.max(total[i], part[i]) : total[i] + part[i];
  }
  return total;
}

/** The cluster of each sample. */
export type Groups = ArrayLike<string | number | bigint>;

/** Counts items by class: the samples, or clusters of them, that have any position of the class. */
class ClassCounts {
  readonly #counts = new Map<string, { n: number; seen: number }>();
  /** 1 for an item that was met in a class, 2 for one that differed in it. */
  readonly #met = new Map<string, Map<unknown, 1 | 2>>();

  constructor(readonly groups: Groups | null) {}

  add(key: string, row: number, differs: boolean): void {
    const entry = this.#counts.get(key) ?? { n: 0, seen: 0 };
    this.#counts.set(key, entry);
    const [met, item] = [this.#metIn(key), this.groups ? this.groups[row] : row];
    const known = met.get(item);
    if (!known) entry.n++;
    if (differs && known !== 2) entry.seen++;
    met.set(item, differs ? 2 : (known ?? 1));
  }

  #metIn(key: string): Map<unknown, 1 | 2> {
    const met = this.#met.get(key) ?? new Map();
    this.#met.set(key, met);
    return met;
  }

  /** In the order of their names. */
  sorted(): ClassAgreement[] {
    return [...this.#counts]
      .map(([decision, counts]) => ({ decision, ...counts }))
      .sort((a, b) => a.decision.localeCompare(b.decision, 'en', { numeric: true }));
  }
}

/**
 * Marks the samples whose decisions differ at any position of any output, and counts by the original's class.
 * @param isEqual  whether a sample has the original's bits in all outputs; NaN agrees with NaN there alone
 */
function compareDecisions(
  n: number,
  original: Outputs,
  changed: Outputs,
  decision: Decision,
  groups: Groups | null,
  isEqual: (row: number) => boolean,
) {
  const differs = new Uint8Array(n);
  const classes = new ClassCounts(groups);
  for (const [name, tensor] of Object.entries(original)) {
    const [before, after] = [decide(tensor, decision), decide(changed[name], decision)];
    const positions = n === 0 ? 1 : before.length / n;
    const isFloat = tensor.type.startsWith('float');
    before.forEach((value, i) => {
      const word = value === -1 && isFloat ? 'NaN' : String(value);
      const key = Object.keys(original).length > 1 ? `${name}=${word}` : word;
      const row = Math.floor(i / positions);
      const isSame = after[i] === value && (value !== -1 || !isFloat || isEqual(row));
      classes.add(key, row, !isSame);
      if (!isSame) differs[row] = 1;
    });
  }
  return { differs, classes: classes.sorted() };
}

/** Each output has an error of its own: one of large numbers must not hide another. */
function compareErrors(
  n: number,
  parts: readonly Float64Array[],
  limit: number,
  groups: Groups | null,
  isEqual: (row: number) => boolean,
) {
  const differs = new Uint8Array(n);
  const classes = new ClassCounts(groups);
  for (let i = 0; i < n; i++) {
    const isWithin = parts.every((part) => Math.sqrt(part[4 * i]) <= limit * Math.sqrt(part[4 * i + 1]));
    if (!isWithin && !isEqual(i)) differs[i] = 1;
    classes.add('all', i, differs[i] === 1);
  }
  return { differs, classes: n === 0 ? [{ decision: 'all', n, seen: 0 }] : classes.sorted() };
}

/**
 * Items, and those with any difference. Where rows that equal each other are one item, as many differ as in all rows, if
 * that is a larger share: an input that repeats may be the one that differs.
 */
function countItems(differs: Uint8Array, groups: Groups | null, areRepeats: boolean): { n: number; seen: number } {
  const rows = differs.reduce((sum, x) => sum + x, 0);
  if (!groups) return { n: differs.length, seen: rows };
  const changed = new Set<unknown>();
  differs.forEach((x, row) => {
    if (x) changed.add(groups[row]);
  });
  const n = countGroups(groups);
  const seen = areRepeats ? Math.max(changed.size, Math.ceil((n * rows) / differs.length)) : changed.size;
  return { n, seen };
}

/** How many clusters there are. */
export function countGroups(groups: Groups): number {
  return new Set<unknown>(Array.from(groups)).size;
}

/**
 * Compares all outputs of two networks on the same samples.
 * @param n  samples
 * @param original  outputs by name, first axis is the sample
 * @param groups  the cluster of each sample, where samples of one are not independent
 * @param areRepeats  whether a cluster is of samples that equal each other
 */
export function compareOutputs(
  n: number,
  original: Outputs,
  changed: Outputs,
  decision: Decision,
  groups: Groups | null = null,
  areRepeats = false,
): Comparison {
  const parts = Object.entries(original).map(([name, tensor]) => distances(n, tensor, changed[name]));
  const total = totalOf(n, parts);
  const isEqual = (row: number) => total[4 * row + 3] === 0;
  const { differs, classes } =
    decision.kind === 'error'
      ? compareErrors(n, parts, decision.limit, groups, isEqual)
      : compareDecisions(n, original, changed, decision, groups, isEqual);
  let [squares, norm, maxAbs, unequal] = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    squares += total[4 * i];
    norm += total[4 * i + 1];
    maxAbs = Math.max(maxAbs, total[4 * i + 2]);
    if (!isEqual(i)) unequal++;
  }
  const rel = squares === 0 ? 0 : Math.sqrt(squares / norm);
  return { ...countItems(differs, groups, areRepeats), rows: n, areRepeats, differs, rel, maxAbs, unequal, classes };
}

/** One key per sample that says all its decisions: what splits are stratified by. */
export function decisionKeys(n: number, outputs: Outputs, decision: Decision): string[] {
  if (decision.kind === 'error') return new Array(n).fill('all');
  const all = Object.values(outputs).map((tensor) => decide(tensor, decision));
  return Array.from({ length: n }, (_, i) =>
    all.map((values) => values.subarray((i * values.length) / n, ((i + 1) * values.length) / n).join(',')).join(';'),
  );
}
