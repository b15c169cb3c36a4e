/** Reports as one self-contained HTML page: no script, no request, every word escaped. */
import { pageStyle } from './page-style.js';
import type { Cell, Column } from './table.js';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of the terminal tables
const colour = /\u001b\[[0-9;]*m/g;

export interface Section {
  readonly title: string;
  /** A table as the command prints it. */
  readonly text?: string;
  /** HTML that is already safe, for which escapeHtml and its users stand. */
  readonly html?: string;
}

/** HTML of a cell that is already safe. */
export interface SafeCell {
  readonly html: string;
}

function cellHtml(cell: Cell | SafeCell, { align, head }: Column): string {
  const content = cell !== null && typeof cell === 'object' ? cell.html : escapeHtml(cell == null ? '-' : String(cell));
  const kind = align === 'right' ? ' class="right"' : '';
  return `<td${head === 'tensor' || head === 'layer' ? ' class="name"' : kind}>${content}</td>`;
}

/** A table; an absent cell is a dash. */
export function htmlTable(columns: readonly Column[], rows: readonly (readonly (Cell | SafeCell)[])[]): string {
  const heads = columns.map(
    ({ head, align }) => `<th${align === 'right' ? ' class="right"' : ''}>${escapeHtml(head)}</th>`,
  );
  const lines = rows.map((row) => `<tr>${row.map((cell, i) => cellHtml(cell, columns[i])).join('')}</tr>`);
  return `<div class="scroll"><table><thead><tr>${heads.join('')}</tr></thead><tbody>\n${lines.join('\n')}\n</tbody></table></div>`;
}

/** Names and values, one a line. */
export function htmlFacts(facts: readonly (readonly [name: string, value: Cell])[]): string {
  const lines = facts.map(
    ([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value == null ? '-' : String(value))}</dd>`,
  );
  return `<dl>${lines.join('')}</dl>`;
}

function sectionHtml({ title, text, html = '' }: Section): string {
  const words = text === undefined ? '' : `<pre>${escapeHtml(text.replace(colour, '').trim())}</pre>`;
  return `<section><h2>${escapeHtml(title)}</h2>${html}${words}</section>`;
}

/**
 * A page of titled sections, readable without colours and in print.
 * @param lead  one sentence below the title
 */
export function htmlPage(title: string, sections: readonly Section[], lead = ''): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${lead && `<p class="muted">${escapeHtml(lead)}</p>`}
${sections.map(sectionHtml).join('\n')}
</body>
</html>
`;
}
