/** The result of `kerf decompose`: layers, parts, cost before and after, certificate. */
import type { DecomposeSummary } from '../pipeline.js';
import { formatCertificate, formatLayers } from './annealing.js';
import { count, percent } from './numbers.js';
import { formatTable, heading } from './table.js';

const shownParts = 16;

function formatParts({ parts }: DecomposeSummary): string {
  const columns = [
    { head: 'part' },
    { head: 'parameters', align: 'right' },
    { head: 'multiply-adds', align: 'right' },
  ] as const;
  const rows = parts.slice(0, shownParts).map(({ id, parameters, macs }) => [id, count(parameters), count(macs)]);
  const rest = parts.length > shownParts ? `... and ${parts.length - shownParts} more\n` : '';
  return heading(parts.length === 1 ? 'One part' : `${parts.length} parts`) + formatTable(columns, rows) + rest;
}

function formatCost({ parameters, macs, weights }: DecomposeSummary): string {
  const columns = [
    { head: 'cost' },
    { head: 'before', align: 'right' },
    { head: 'after', align: 'right' },
    { head: 'after / before', align: 'right' },
  ] as const;
  const row = (name: string, { before, after }: { before: number; after: number }) => [
    name,
    count(before),
    count(after),
    percent(after / before, 1),
  ];
  const { before, after, stored } = parameters;
  const kept = stored === after ? [] : [row('parameters stored, with the original', { before, after: stored })];
  const bytes = weights.layers.float16 + weights.layers.int8 > 0 ? [row('bytes of weights', weights.bytes)] : [];
  const rows = [row('parameters', parameters), ...kept, ...bytes, row('multiply-adds per sample', macs)];
  return heading('Cost') + formatTable(columns, rows);
}

/** Which sizes the package fixes that the model leaves open; empty where none. */
export function formatSizes({ sizes }: DecomposeSummary): string {
  const fixed = Object.entries(sizes).map(([name, size]) => `${name} = ${size}`);
  if (fixed.length === 0) return '';
  return `The package takes inputs of ${fixed.join(', ')} alone, as in the data: no plan for all sizes exists.\n`;
}

/** What `kerf decompose` prints. */
export function formatDecomposition(summary: DecomposeSummary): string {
  return (
    formatLayers(summary.layers) +
    formatParts(summary) +
    formatCost(summary) +
    formatSizes(summary) +
    formatCertificate(summary.certificate)
  );
}
