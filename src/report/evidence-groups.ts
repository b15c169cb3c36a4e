/** Tensors of a deep network, one line for those that are alike: `layers.*.weight`. */
import type { FamilyResult, TensorEvidence } from '../evidence/evidence.js';
import { count, percent, short } from './numbers.js';
import type { Cell } from './table.js';

/** Tensors of the same verdict and law whose names differ in numbers only. */
export type TensorGroup = readonly [TensorEvidence, ...TensorEvidence[]];

const pattern = (text: string | null) => (text ?? '').replace(/\d+(\.\d+)?/g, '*');

/** Groups in the order of their first tensors. */
export function groupTensors(tensors: readonly TensorEvidence[]): TensorGroup[] {
  const groups = new Map<string, [TensorEvidence, ...TensorEvidence[]]>();
  for (const tensor of tensors) {
    const key = JSON.stringify([tensor.verdict, pattern(tensor.name), pattern(tensor.law)]);
    const group = groups.get(key);
    if (group) group.push(tensor);
    else groups.set(key, [tensor]);
  }
  return [...groups.values()];
}

/** `0.98-1.3`, or the one value that all have. */
function range(values: readonly number[]): string {
  const known = values.filter((value) => Number.isFinite(value));
  if (known.length === 0) return '-';
  const [low, high] = [short(Math.min(...known)), short(Math.max(...known))];
  return low === high ? low : `${low} to ${high}`;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Supported and tested of several families together. */
function together(families: readonly (FamilyResult | null)[]): Pick<FamilyResult, 'supported' | 'tested'> {
  const known = families.filter((family) => family !== null);
  return { supported: sum(known.map((f) => f.supported)), tested: sum(known.map((f) => f.tested)) };
}

const fraction = (supported: number, tested: number) => (tested === 0 ? null : `${count(supported)}/${count(tested)}`);

/** Cells of a tensor, or of a group as a whole: counts added up, scales and distances as ranges. */
export function tensorCells(group: TensorGroup): Cell[] {
  const [first] = group;
  const isSingle = group.length === 1;
  const weights = together(group.map((tensor) => tensor.weights));
  const units = together(group.map((tensor) => tensor.units));
  const spectra = group.map(({ spectrum }) => spectrum).filter((spectrum) => spectrum !== null);
  const laws = new Set(group.map(({ law }) => law));
  return [
    first.verdict,
    isSingle ? first.name : `${pattern(first.name)} (${group.length})`,
    laws.size === 1 ? first.law : pattern(first.law),
    range(group.map(({ scaleRatio }) => scaleRatio)),
    range(group.map(({ fit }) => fit.ks)),
    weights.tested === 0 ? null : percent(weights.supported / weights.tested, 1),
    fraction(units.supported, units.tested),
    fraction(sum(spectra.map((s) => s.supported)), sum(spectra.map((s) => s.rank))),
  ];
}
