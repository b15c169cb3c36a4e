/** Sets of element positions: what a region of a strided box really touches, and whether two of them meet. */
import type { Region } from './step-kind.js';

/** [first, end) pairs, sorted, disjoint. */
export type Runs = readonly (readonly [first: number, end: number])[];

/** Most runs that a region is expanded to; one with more is taken for its whole span. */
const maximumRuns = 65_536;

/** Positions start + r * stride + [0, run) for r < rows: a block of columns of a row-major matrix. */
export interface Columns {
  readonly first: number;
  readonly end: number;
  readonly rows: number;
  readonly stride: number;
  readonly run: number;
}

/** A region of one operand, in elements of its buffer. */
export interface Touched extends Region {
  readonly offset: number;
}

/** Sizes and strides of a box, innermost first, without dims of 1 and with gapless neighbours joined. */
function axesOf({ first, end, box }: Touched): { dim: number; stride: number }[] {
  const axes: { dim: number; stride: number }[] = [];
  const { dims, strides } = box ?? { dims: [end - first], strides: [1] };
  const sorted = dims.map((dim, d) => ({ dim, stride: Math.abs(strides[d]) })).sort((a, b) => a.stride - b.stride);
  for (const { dim, stride } of sorted) {
    const last = axes.at(-1);
    if (dim === 1 || stride === 0) continue;
    if (last && stride === last.dim * last.stride) last.dim *= dim;
    else axes.push({ dim, stride });
  }
  return axes;
}

/** The runs of neighbouring elements that a region touches, or null when there are too many. */
export function runsOf(touched: Touched): Runs | null {
  const axes = axesOf(touched);
  const run = axes[0]?.stride === 1 ? axes.shift()!.dim : 1;
  const count = axes.reduce((product, { dim }) => product * dim, 1);
  if (touched.end <= touched.first) return [];
  if (count > maximumRuns) return null;
  let starts = [touched.offset + touched.first];
  for (const { dim, stride } of axes) {
    starts = Array.from({ length: dim }, (_, i) => i * stride).flatMap((step) => starts.map((start) => start + step));
  }
  starts.sort((a, b) => a - b);
  return joinRuns(starts.map((start) => [start, start + run]));
}

/** Sorted runs with overlapping and touching neighbours joined. */
export function joinRuns(runs: Runs): Runs {
  const joined: [number, number][] = [];
  for (const [first, end] of runs) {
    const last = joined.at(-1);
    if (last && first <= last[1]) last[1] = Math.max(last[1], end);
    else joined.push([first, end]);
  }
  return joined;
}

/** Whether two sets of runs have an element in common. */
export function runsMeet(a: Runs, b: Runs): boolean {
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (a[i][0] < b[j][1] && b[j][0] < a[i][1]) return true;
    if (a[i][1] <= b[j][1]) i++;
    else j++;
  }
  return false;
}

/** The region as a block of columns of a matrix, or null when it has more axes. */
function columnsOf(touched: Touched): Columns | null {
  const axes = axesOf(touched);
  const run = axes[0]?.stride === 1 ? axes.shift()!.dim : 1;
  if (axes.length > 1) return null;
  const first = touched.offset + touched.first;
  const { dim: rows, stride } = axes[0] ?? { dim: 1, stride: run };
  return { first, end: touched.offset + touched.end, rows, stride, run };
}

/** Whether two blocks of columns of one matrix lie side by side, decided without looking at rows. */
function areSideBySide(a: Touched, b: Touched): boolean {
  const [left, right] = [columnsOf(a), columnsOf(b)];
  if (!left || !right || left.stride !== right.stride) return false;
  const gap = (((right.first - left.first) % left.stride) + left.stride) % left.stride;
  return gap >= left.run && gap + right.run <= left.stride;
}

/** Whether two regions of one buffer may have an element in common; exact up to {@link maximumRuns} runs. */
export function touchedMeet(a: Touched, b: Touched): boolean {
  if (a.end <= a.first || b.end <= b.first) return false;
  if (a.offset + a.end <= b.offset + b.first || b.offset + b.end <= a.offset + a.first) return false;
  if (areSideBySide(a, b)) return false;
  const [left, right] = [runsOf(a), runsOf(b)];
  return !left || !right || runsMeet(left, right);
}
