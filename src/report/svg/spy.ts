import type { SpyPlot } from '../../evidence/evidence.js';
import { element } from './element.js';

const levels = 6;

/** Runs of cells of one level as subpaths: `M x y h length v 1 h -length z`. */
function pathOf(cells: readonly number[], width: number, level: number): string {
  let path = '';
  for (let start = 0; start < cells.length; ) {
    const [x, y] = [start % width, Math.floor(start / width)];
    let length = 0;
    while (x + length < width && cells[start + length] === level) length++;
    if (length > 0) path += `M${x} ${y}h${length}v1h-${length}z`;
    start += Math.max(1, length);
  }
  return path;
}

/**
 * A matrix seen from afar: the darker a cell, the larger the share of its weights that is supported.
 * @param darkest  share of the darkest cell
 */
export function drawSpy(title: string, { height, width, shares }: SpyPlot, darkest: number): string {
  const cells = shares.map((share) => Math.min(levels, Math.ceil((share / darkest) * levels)));
  const paths = Array.from({ length: levels }, (_, i) => {
    const path = pathOf(cells, width, i + 1);
    return path && element('path', { class: 'cell', d: path, 'fill-opacity': (i + 1) / levels });
  });
  const box = { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', 'shape-rendering': 'crispEdges' };
  return element('svg', { ...box, class: 'spy', role: 'img', 'aria-label': title }, paths.join('') || ' ');
}
