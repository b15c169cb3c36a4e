/** Draws a roofline: work per byte against work per second, both by powers of two and ten, under the roofs. */
import { element, label } from '../build/src/report/svg/element.js';

const [width, height] = [900, 480];
const plot = { left: 60, top: 50, right: 600, bottom: 430 };
const flopsPerByte = [2 ** -2, 2 ** 8];
const gflops = [1, 200];
const colours = { kernel: '#1f5fbf', layer: '#c2571a' };
const grey = '#999999';

const share = (value, [low, high]) => Math.log(value / low) / Math.log(high / low);
const xOf = (value) => plot.left + share(value, flopsPerByte) * (plot.right - plot.left);
const yOf = (value) => plot.bottom - share(value, gflops) * (plot.bottom - plot.top);
const clamp = (value, [low, high]) => Math.min(high, Math.max(low, value));

function line(x1, y1, x2, y2, stroke, attributes = {}) {
  return element('line', { x1, y1, x2, y2, stroke, ...attributes });
}

function axes() {
  const ticksX = Array.from({ length: 6 }, (_, i) => 2 ** (2 * i - 2));
  const ticksY = [1, 2, 5, 10, 20, 50, 100, 200];
  return [
    ...ticksX.flatMap((value) => [
      line(xOf(value), plot.top, xOf(value), plot.bottom, '#eeeeee'),
      label(xOf(value), plot.bottom + 18, String(value), { 'text-anchor': 'middle' }),
    ]),
    ...ticksY.flatMap((value) => [
      line(plot.left, yOf(value), plot.right, yOf(value), '#eeeeee'),
      label(plot.left - 8, yOf(value) + 4, String(value), { 'text-anchor': 'end' }),
    ]),
    label((plot.left + plot.right) / 2, plot.bottom + 38, 'FLOP per byte of inputs, weights and outputs', {
      'text-anchor': 'middle',
    }),
    label(plot.left - 44, plot.top - 14, 'GFLOP/s'),
  ];
}

/** The peak, and for each speed of reading the slope below it. */
function roofs(peak, reads) {
  const flat = [
    line(plot.left, yOf(peak), plot.right, yOf(peak), '#333333', { 'stroke-width': 1.5 }),
    label(plot.right, yOf(peak) - 6, `${peak.toFixed(0)} GFLOP/s`, { 'text-anchor': 'end' }),
  ];
  const slopes = reads.map(({ name, gbps }, i) => {
    const from = clamp(gflops[0] / gbps, [flopsPerByte[0], Infinity]);
    const to = clamp(peak / gbps, flopsPerByte);
    const text = label(xOf(from) + 6, yOf(gbps * from) - 4 - 2 * i, `${gbps.toFixed(0)} GB/s from ${name}`);
    return line(xOf(from), yOf(gbps * from), xOf(to), yOf(gbps * to), grey, { 'stroke-width': 1.5 }) + text;
  });
  return [...flat, ...slopes];
}

/** A point with its number, and the line of the list that says what it is. */
function marks(points) {
  return points.flatMap((point, i) => {
    const [x, y] = [xOf(clamp(point.flopsPerByte, flopsPerByte)), yOf(clamp(point.gflops, gflops))];
    const fill = colours[point.kind];
    const listY = plot.top + 16 * i;
    return [
      element('circle', { cx: x, cy: y, r: 7, fill, 'fill-opacity': 0.85 }),
      label(x, y + 3, String(i + 1), { 'text-anchor': 'middle', fill: '#ffffff', 'font-size': 8 }),
      element('circle', { cx: plot.right + 30, cy: listY - 4, r: 5, fill }),
      label(plot.right + 42, listY, `${i + 1}  ${point.name}: ${point.gflops.toFixed(1)}`),
    ];
  });
}

/**
 * @param peak  GFLOP/s
 * @param reads  { name, gbps }: speeds of reading
 * @param points  { name, kind: 'kernel' or 'layer', gflops, flopsPerByte }
 * @returns the SVG as text
 */
export function drawRoofline({ title, peak, reads, points }) {
  const parts = [
    element('rect', { width, height, fill: '#ffffff' }),
    label(plot.left, 20, title, { 'font-size': 13 }),
    ...axes(),
    ...roofs(peak, reads),
    ...marks(points),
    label(plot.right + 24, plot.bottom + 18, 'blue: a kernel alone', { fill: colours.kernel }),
    label(plot.right + 24, plot.bottom + 36, 'orange: a session, with copies in and out', { fill: colours.layer }),
  ];
  const frame = { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${width} ${height}` };
  return `${element('svg', { ...frame, 'font-family': 'sans-serif', 'font-size': 11 }, parts.join('\n'))}\n`;
}
