import { element, label } from './element.js';

export interface Histogram {
  /** What is drawn, for those who cannot see it. */
  readonly title: string;
  readonly counts: readonly number[];
  /** Values at the ends of the axis. */
  readonly from: number;
  readonly to: number;
  /** Counts that the null hypothesis expects, at equally spaced places over the axis; one if it is flat. */
  readonly expected: readonly number[];
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
  /** A bound beyond which a count is evidence. */
  readonly threshold?: { readonly at: number; readonly text: string };
  /** Remark at the upper right. */
  readonly note?: string;
}

/**
 *     (0, 0)  | note                       |
 *             |  #  threshold              |
 *             | -#--#-- expected ----------|   plot: 12..308 x 18..130
 *             |__#__#__#__#________________|
 *               tick        tick               (320, 150)
 */
const size = { width: 320, height: 150 };
const plot = { left: 12, right: 308, top: 18, bottom: 130 };

/** Bars of counts, and the null hypothesis as a dashed line above them. */
export function drawHistogram(histogram: Histogram): string {
  const { title, counts, from, to, expected, ticks, threshold, note } = histogram;
  const highest = Math.max(...counts, ...expected, 1e-9);
  const x = (value: number) => plot.left + ((value - from) / (to - from)) * (plot.right - plot.left);
  const y = (count: number) => plot.bottom - (count / highest) * (plot.bottom - plot.top);
  const step = (to - from) / counts.length;
  const bars = counts.map((count, i) => {
    const start = from + i * step;
    const isBeyond = threshold !== undefined && start + step / 2 > threshold.at;
    // A count that is not zero stays visible.
    const height = count === 0 ? 0 : Math.max(1, plot.bottom - y(count));
    const [left, right] = [x(start) + 0.5, x(start + step) - 0.5];
    const box = { x: left, y: plot.bottom - height, width: right - left, height };
    return height === 0 ? '' : element('rect', { class: isBeyond ? 'bar beyond' : 'bar', ...box });
  });
  const point = (at: number, count: number) => `${x(at).toFixed(2)},${y(count).toFixed(2)}`;
  const places = expected.map((_, i) => from + ((i + 0.5) / expected.length) * (to - from));
  const [flat] = expected;
  const points =
    expected.length === 1 ? [point(from, flat), point(to, flat)] : places.map((at, i) => point(at, expected[i]));
  const parts = [
    ...bars,
    element('line', { class: 'axis', x1: plot.left, x2: plot.right, y1: plot.bottom, y2: plot.bottom }),
    element('polyline', { class: 'null', points: points.join(' ') }),
    ...ticks.map(({ at, text }) => label(x(at), plot.bottom + 14, text, { 'text-anchor': 'middle' })),
    note ? label(plot.right, 12, note, { 'text-anchor': 'end' }) : '',
  ];
  if (threshold) {
    const at = x(threshold.at);
    parts.push(element('line', { class: 'threshold', x1: at, x2: at, y1: plot.top, y2: plot.bottom }));
    parts.push(label(at + 4, plot.top + 10, threshold.text, { class: 'threshold-label' }));
  }
  return element(
    'svg',
    { viewBox: `0 0 ${size.width} ${size.height}`, role: 'img', 'aria-label': title },
    parts.join(''),
  );
}
