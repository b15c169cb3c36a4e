import Table from 'cli-table3';
import colors from 'picocolors';
import { plain } from './plain.js';

/** One column: its heading, and which side its cells lean to. */
export interface Column {
  readonly head: string;
  readonly align?: 'left' | 'right';
  /** Colours a cell that has been made plain. */
  readonly style?: (cell: string) => string;
}

export type Cell = string | number | null | undefined;

const noBorders = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
    .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
    .map((side) => [side, '']),
);

/**
 * A table without lines, two blanks between columns; ends with a newline.
 * Cells may come from files: they are made plain here. An absent cell is a dash.
 */
export function formatTable(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const table = new Table({
    head: columns.map(({ head }) => colors.bold(head)),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    chars: { ...noBorders, middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  const styled = (text: string, i: number) => columns[i].style?.(text) ?? text;
  table.push(...rows.map((row) => row.map((cell, i) => styled(cell == null ? '-' : plain(String(cell)), i))));
  return table.toString().replace(/ +$/gm, '') + '\n';
}

/** Lines of `name  value`, names aligned. */
export function formatFacts(facts: readonly (readonly [name: string, value: Cell])[]): string {
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts
    .map(([name, value]) => `${name.padEnd(width)}  ${value == null ? '-' : plain(String(value))}\n`)
    .join('');
}

/** A heading above a table. */
export function heading(text: string): string {
  return `\n${colors.bold(plain(text))}\n`;
}
