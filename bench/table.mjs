/** Prints rows of cells under a header; the first column is text, the others are numbers. */
export function printTable(title, header, rows) {
  const cells = [header, ...rows].map((row) => row.map((cell) => String(cell ?? '-')));
  const widths = header.map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  const line = (row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  console.log(`\n${title}\n${line(cells[0])}\n${rule}\n${cells.slice(1).map(line).join('\n')}`);
}

/** A ratio with the quartiles of its rounds: `1.84x (1.80-1.88)`. */
export function formatRatio(ratio) {
  return ratio ? `${ratio.median.toFixed(2)}x (${ratio.low.toFixed(2)}-${ratio.high.toFixed(2)})` : '-';
}

/** Milliseconds with three digits, as microseconds below one. */
export function formatMs(ms) {
  return ms >= 1 ? `${ms.toPrecision(3)} ms` : `${(ms * 1000).toPrecision(3)} us`;
}
