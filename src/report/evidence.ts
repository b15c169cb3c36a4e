/** What training supports, as JSON and as a table. */

import colors from 'picocolors';
import type { Evidence, FamilyResult } from '../evidence/evidence.js';
import { groupTensors, type TensorGroup, tensorCells } from './evidence-groups.js';
import { count, percent } from './numbers.js';
import { plain, shortened } from './plain.js';
import { formatTable, heading } from './table.js';

/** Numbers of a list, to seven digits: more than f32 weights determine. */
const listed = (values: Float64Array) => Array.from(values, (value) => Number(value.toPrecision(7)));

/** The evidence with singular values and p-values of units; the pictures of a report are drawings of the same. */
export function evidenceJson(evidence: Evidence): Record<string, unknown> {
  return {
    fdr: evidence.fdr,
    seed: evidence.seed,
    tensors: evidence.tensors.map(({ spectrum, pictures: _drawn, ...tensor }) => {
      if (spectrum === null) return { ...tensor, spectrum };
      return { ...tensor, spectrum: { ...spectrum, values: listed(spectrum.values) } };
    }),
    paths: evidence.paths,
    units: evidence.units.map(({ layer, supported, pValues }) => ({
      layer,
      tested: supported.length,
      supported: supported.reduce((sum, flag) => sum + flag, 0),
      pValues: listed(pValues),
    })),
  };
}

/** Share of a family that is supported; null where nothing was tested. */
export const share = (family: FamilyResult | null) =>
  family === null || family.tested === 0 ? null : percent(family.supported / family.tested, 1);

const verdictColours = {
  moved: colors.cyan,
  partly: colors.yellow,
  initialisation: colors.dim,
  'no-null': colors.magenta,
} as const;

const verdicts = Object.keys(verdictColours) as (keyof typeof verdictColours)[];
const colourVerdict = (verdict: string) => verdictColours[verdict as keyof typeof verdictColours](verdict);

/** `6 tensors: 1 moved, 2 partly, 3 initialisation` */
export function summaryLine({ tensors }: Evidence): string {
  const counts = verdicts.map((verdict) => [verdict, tensors.filter((t) => t.verdict === verdict).length] as const);
  const words = counts.filter(([, n]) => n > 0).map(([verdict, n]) => `${n} ${verdict}`);
  return `${count(tensors.length)} tensor${tensors.length === 1 ? '' : 's'}${words.length ? `: ${words.join(', ')}` : ''}`;
}

const columns = [
  { head: 'verdict', style: colourVerdict },
  { head: 'tensor' },
  { head: 'law' },
  { head: 'scale', align: 'right' },
  { head: 'KS', align: 'right' },
  { head: 'supported', align: 'right' },
] as const;
const wideColumns = [...columns, { head: 'units', align: 'right' }, { head: 'directions', align: 'right' }] as const;

export interface EvidenceView {
  /** Characters in a line; null where lines may be as long as they like. */
  readonly width?: number | null;
  /** Whether to say why of every tensor, not only of those that are not their initialisation. */
  readonly verbose?: boolean;
}

/** Shortest that a name is cut to. */
const shortestName = 12;
/** Reasons that are given unasked. */
const fewReasons = 12;
/** Lines that a person takes in at a glance; where there are more tensors, those alike share a line. */
const fewLines = 24;

/** Lines of the table: the tensors, or groups of them. */
function linesOf({ tensors }: Evidence, verbose: boolean): readonly TensorGroup[] {
  return verbose || tensors.length <= fewLines ? tensors.map((tensor) => [tensor] as const) : groupTensors(tensors);
}

/** The table, in lines of at most `width`: names are cut, then units and directions left out. */
function verdictTable(lines: readonly TensorGroup[], width: number | null): string {
  const rows = lines.map(tensorCells);
  const widthOf = (n: number) => {
    const columnWidth = (i: number) =>
      Math.max(...[wideColumns[i].head, ...rows.map((r) => r[i] ?? '-')].map((t) => plain(String(t)).length));
    const others = Array.from({ length: n }, (_, i) => (i === 1 ? 0 : columnWidth(i)));
    return others.reduce((sum, w) => sum + w + 2, -2);
  };
  const longest = Math.max(6, ...rows.map(([, name]) => [...plain(String(name))].length));
  const isWide = width === null || widthOf(8) + Math.min(longest, 24) <= width;
  const shown = isWide ? wideColumns : columns;
  const room = width === null ? longest : Math.max(shortestName, width - widthOf(shown.length));
  const cells = rows.map((r) =>
    r.slice(0, shown.length).map((cell, i) => (i === 1 ? shortened(String(cell), room) : cell)),
  );
  return formatTable(shown, cells);
}

function formatReasons({ tensors }: Evidence, { verbose = false, width = null }: EvidenceView): string {
  const told = tensors.filter(({ verdict }) => verbose || verdict !== 'initialisation');
  const shown = verbose ? told : told.slice(0, fewReasons);
  if (shown.length === 0) return '';
  const room = width === null ? Number.POSITIVE_INFINITY : Math.max(shortestName, Math.floor(width / 3));
  const lines = shown.map(({ name, reason }) => `${colors.bold(shortened(name, room))}: ${plain(reason)}\n`);
  const more = told.length - shown.length;
  return heading('Why') + lines.join('') + (more > 0 ? `and ${more} more: --verbose tells of all.\n` : '');
}

/** What `kerf analyze` prints: the verdicts, one line per tensor, then why where something moved. */
export function formatEvidence(evidence: Evidence, view: EvidenceView = {}): string {
  const lines = linesOf(evidence, view.verbose ?? false);
  const grouped =
    lines.length < evidence.tensors.length
      ? 'Tensors alike share a line, * for their numbers; --verbose lists all.\n'
      : '';
  const legend =
    `\n${grouped}scale: standard deviation over the law's. KS: distance to the law. supported: weights that training moved\n` +
    `beyond it, at a false discovery rate of ${evidence.fdr}; units, directions likewise (directions: 1 % per matrix).\n`;
  return (
    heading(summaryLine(evidence)) +
    verdictTable(lines, view.width ?? null) +
    colors.dim(legend) +
    formatReasons(evidence, view)
  );
}
