/** Evidence as a page: verdicts first, then the pictures of each tensor. */
import type { Evidence, TensorEvidence } from '../evidence/evidence.js';
import { share, summaryLine } from './evidence.js';
import { escapeHtml, htmlTable, type SafeCell, type Section } from './html.js';
import { count, short } from './numbers.js';
import { pValueFigures, spectrumFigure, supportFigure } from './tensor-figures.js';

/** Tensors that are drawn; the table has all. */
const mostDrawn = 60;

const columns = [
  { head: 'verdict' },
  { head: 'tensor' },
  { head: 'law' },
  { head: 'scale', align: 'right' },
  { head: 'KS', align: 'right' },
  { head: 'supported', align: 'right' },
  { head: 'units', align: 'right' },
  { head: 'directions', align: 'right' },
  { head: 'blocks', align: 'right' },
] as const;

const badge = (verdict: string): SafeCell => ({
  html: `<span class="badge ${escapeHtml(verdict)}">${escapeHtml(verdict)}</span>`,
});

function row(tensor: TensorEvidence, target: string | null): (SafeCell | string | number | null)[] {
  const { name, units, spectrum } = tensor;
  return [
    badge(tensor.verdict),
    target ? { html: `<a href="#${target}">${escapeHtml(name)}</a>` } : name,
    tensor.law,
    short(Number.isFinite(tensor.scaleRatio) ? tensor.scaleRatio : null),
    short(tensor.fit.ks),
    share(tensor.weights),
    units && units.tested > 0 ? `${count(units.supported)}/${count(units.tested)}` : null,
    spectrum && `${spectrum.supported}/${spectrum.rank}`,
    tensor.blocks?.k ?? null,
  ];
}

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function card(tensor: TensorEvidence, evidence: Evidence, id: string): string {
  const units = tensor.units && evidence.units.find(({ layer }) => layer === tensor.layer);
  const figures = [
    ...pValueFigures(tensor, units?.pValues ?? null),
    spectrumFigure(tensor.spectrum),
    supportFigure(tensor.pictures?.support ?? null),
  ].filter((figure) => figure !== '');
  const title = `<header><h3>${escapeHtml(tensor.name)}</h3>${badge(tensor.verdict).html}</header>`;
  const body = figures.length > 0 ? `<div class="figures">${figures.join('\n')}</div>` : '';
  return `<article class="tensor" id="${id}">${title}<p>${escapeHtml(sentence(tensor.reason))}</p>${body}</article>`;
}

const legend =
  'scale: standard deviation over the law’s. KS: largest distance between the distribution of the weights and the law. ' +
  'supported: weights that training moved beyond what the law explains; units and directions: hidden units and ' +
  'singular directions likewise.';

const reading =
  'Dashed: what the null hypothesis expects, weights that are still draws of their law. p-values are flat under it ' +
  'and pile up on the left where training left its mark; singular values stay under the Marchenko-Pastur curve, and ' +
  'those beyond the threshold (1 % per matrix) are supported. In the plots of supported weights a row is an output, ' +
  'a column an input; the stronger a cell’s colour, the larger its share of supported weights.';

/** Sections of a page about evidence; figures need evidence with pictures. */
export function evidenceSections(evidence: Evidence): Section[] {
  const { tensors, fdr } = evidence;
  const drawn = tensors.slice(0, mostDrawn);
  const rows = tensors.map((tensor, i) => row(tensor, i < mostDrawn ? `tensor-${i}` : null));
  const rate = `False discovery rate ${fdr} within each family of tests; directions at 1 % per matrix.`;
  const rest = tensors.length - drawn.length;
  const omitted = rest > 0 ? `<p class="muted">${rest} more tensors are in the table only.</p>` : '';
  return [
    {
      title: 'Verdicts',
      html: `<p>${escapeHtml(summaryLine(evidence))}</p>${htmlTable(columns, rows)}<p class="muted">${escapeHtml(`${legend} ${rate}`)}</p>`,
    },
    {
      title: 'Tensor by tensor',
      html: `<p class="muted">${escapeHtml(reading)}</p>${drawn.map((tensor, i) => card(tensor, evidence, `tensor-${i}`)).join('\n')}${omitted}`,
    },
  ];
}
