/** The figures of one tensor, each with a caption that says what to see. */
import type { PValueHistogram, SpectrumResult, TensorEvidence, TensorPictures } from '../evidence/evidence.js';
import { noiseCounts } from '../evidence/spectrum.js';
import { escapeHtml } from './html.js';
import { count, short } from './numbers.js';
import { drawHistogram } from './svg/histogram.js';
import { drawSpy } from './svg/spy.js';

/** p-values from which a histogram says something. */
const fewestTests = 16;
const bins = 20;

function figure(drawing: string, title: string, caption: string): string {
  return `<figure>${drawing}<figcaption><b>${escapeHtml(title)}</b> ${escapeHtml(caption)}</figcaption></figure>`;
}

const pTicks = [0, 0.5, 1].map((at) => ({ at, text: String(at) }));

function pValueFigure(what: string, counts: PValueHistogram): string {
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (total < fewestTests) return '';
  const mean = total / counts.length;
  const title = `p-values of ${what}`;
  const highest = Math.max(...counts);
  const note = highest >= 2 * mean ? `tallest bin ${short(highest / mean)} x the null` : '';
  const drawing = drawHistogram({ title, counts, from: 0, to: 1, expected: [mean], ticks: pTicks, note });
  return figure(drawing, title, `${count(total)} tests.`);
}

function unitHistogram(pValues: Float64Array): PValueHistogram {
  const counts = new Array<number>(bins).fill(0);
  for (const p of pValues) counts[Math.max(0, Math.min(bins, Math.ceil(p * bins)) - 1)]++;
  return counts;
}

/** Histograms of p-values at each resolution that was tested. */
export function pValueFigures({ pictures, rows }: TensorEvidence, units: Float64Array | null): string[] {
  if (!pictures) return [];
  return [
    pValueFigure('weights', pictures.weights),
    rows.tested > 0 ? pValueFigure('rows (outputs)', pictures.rows) : '',
    rows.tested > 0 ? pValueFigure('columns (inputs)', pictures.columns) : '',
    units ? pValueFigure('hidden units', unitHistogram(units)) : '',
  ];
}

/** Edges of equally wide bins over [0, to]. */
const edgesOf = (to: number, n: number) => Array.from({ length: n + 1 }, (_, i) => (to * i) / n);
const spectrumBins = 40;
const curvePlaces = 160;
/** The axis ends at this many thresholds at most; larger values are told in words. */
const longestAxis = 2.5;
/** And at so many at least: what is written right of the threshold needs room. */
const shortestAxis = 1.5;

/** Singular values against the Marchenko-Pastur law. */
export function spectrumFigure(spectrum: SpectrumResult | null): string {
  if (!spectrum || spectrum.values.length < fewestTests) return '';
  const { values, threshold, sigma, refitted, supported, rank } = spectrum;
  const to = Math.min(longestAxis * threshold, Math.max(shortestAxis * threshold, 1.03 * values[0]));
  const counts = new Array<number>(spectrumBins).fill(0);
  const inside = values.filter((value) => value < to);
  for (const value of inside) counts[Math.floor((value / to) * spectrumBins)]++;
  const beyond = values.length - inside.length;
  const expected = noiseCounts(edgesOf(to, curvePlaces), spectrum).map((n) => (n * curvePlaces) / spectrumBins);
  const title = 'Singular values';
  const drawing = drawHistogram({
    title: 'Singular values against the Marchenko-Pastur law',
    counts,
    from: 0,
    to,
    expected,
    ticks: [0, to / 2, to].map((at) => ({ at, text: short(at) })),
    threshold: { at: threshold, text: `${supported} of ${rank} supported` },
    ...(beyond > 0 && { note: `${beyond} further right, up to ${short(values[0])}` }),
  });
  const scale = refitted
    ? `after biwhitening; noise of scale ${short(sigma)}, refitted from the bulk, stays`
    : `noise of the law’s scale, ${short(sigma)}, stays`;
  return figure(drawing, title, `${scale} under ${short(threshold)} (1 % of noise matrices pass it).`);
}

/** Where the supported weights lie, before and after ordering. */
export function supportFigure(support: TensorPictures['support']): string {
  if (!support) return '';
  const { before, after, order, components, isolated } = support;
  const darkest = Math.max(...before.shares, ...after.shares);
  const drawing = `<div class="pair">${drawSpy('Supported weights as in the file', before, darkest)}${drawSpy(`Supported weights ordered by ${order}`, after, darkest)}</div>`;
  const pieces = components === 1 ? 'one component' : `${count(components)} components`;
  const alone = `rows and columns without one: ${count(isolated)}`;
  return figure(
    drawing,
    'Supported weights',
    `as in the file; ordered by ${order}. They join into ${pieces}; ${alone}.`,
  );
}
