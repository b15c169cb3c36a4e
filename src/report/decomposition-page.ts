/** A decomposition as a page: what is proved, what it costs, then stages, layers and parts. */
import type { Certificate } from '../annealing/annealing.js';
import type { DecomposeSummary } from '../pipeline.js';
import { certificateFacts } from './annealing.js';
import { formatSizes } from './decomposition.js';
import { escapeHtml, htmlFacts, htmlTable, type SafeCell, type Section } from './html.js';
import { count, percent } from './numbers.js';

/** Parts that are listed. */
const mostParts = 200;

function certificateHtml(certificate: Certificate): string {
  return `<p>${escapeHtml(certificate.statement)}</p>${htmlFacts(certificateFacts(certificate))}`;
}

function costHtml({ parameters, macs, weights }: DecomposeSummary): string {
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
    before > 0 ? percent(after / before, 1) : null,
  ];
  const rows = [
    row('parameters', parameters),
    row('bytes of weights', weights.bytes),
    row('multiply-adds per sample', macs),
  ];
  return htmlTable(columns, rows);
}

function outcome(passed: boolean): SafeCell {
  const word = passed ? 'passed' : 'failed';
  return { html: `<span class="${word}">${word}</span>` };
}

function stagesHtml({ stages }: Certificate): string {
  if (stages.length === 0) return '<p>None: no data to guard them.</p>';
  const columns = [
    { head: 'stage' },
    { head: 'multiply-adds', align: 'right' },
    { head: 'disagreements', align: 'right' },
    { head: 'bound', align: 'right' },
    { head: 'guard' },
  ] as const;
  const rows = stages.map(({ name, macs, seen, n, bound, passed }) => [
    name,
    count(macs),
    `${count(seen)} of ${count(n)}`,
    percent(bound),
    outcome(passed),
  ]);
  return `<p class="muted">Gentle to aggressive; the first failure stops.</p>${htmlTable(columns, rows)}`;
}

function layersHtml({ layers }: DecomposeSummary): string {
  const columns = [
    { head: 'layer' },
    { head: 'choice' },
    { head: 'blocks', align: 'right' },
    { head: 'rank', align: 'right' },
    { head: 'parameters before', align: 'right' },
    { head: 'after', align: 'right' },
    { head: 'kept', align: 'right' },
  ] as const;
  const rows = layers.map(({ name, choice, k, rank, before, after }) => {
    const kept = before > 0 ? percent(after / before, 1) : null;
    return [name, choice, k, rank, count(before), count(after), kept];
  });
  return htmlTable(columns, rows);
}

function partsHtml({ parts }: DecomposeSummary): string {
  const columns = [
    { head: 'part' },
    { head: 'parameters', align: 'right' },
    { head: 'multiply-adds', align: 'right' },
  ] as const;
  const rows = parts.slice(0, mostParts).map(({ id, parameters, macs }) => [id, count(parameters), count(macs)]);
  const rest = parts.length - rows.length;
  return htmlTable(columns, rows) + (rest > 0 ? `<p class="muted">and ${count(rest)} more.</p>` : '');
}

function sizesHtml(summary: DecomposeSummary): string {
  const sentence = formatSizes(summary);
  return sentence === '' ? '' : `<p>${escapeHtml(sentence)}</p>`;
}

/** Sections of a page about a decomposition. */
export function decompositionSections(summary: DecomposeSummary): Section[] {
  const { certificate, parts } = summary;
  return [
    { title: 'Certificate', html: certificateHtml(certificate) },
    { title: 'Cost', html: costHtml(summary) + sizesHtml(summary) },
    { title: 'Stages', html: stagesHtml(certificate) },
    { title: 'Layers', html: layersHtml(summary) },
    { title: parts.length === 1 ? 'One part' : `${parts.length} parts`, html: partsHtml(summary) },
  ];
}
