/** Reports as one self-contained HTML page: no script, no request, every word escaped. */

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
  readonly text: string;
}

/** A page of titled tables, readable without colours and in print. */
export function htmlPage(title: string, sections: readonly Section[]): string {
  const body = sections.map(
    (section) =>
      `<section><h2>${escapeHtml(section.title)}</h2><pre>${escapeHtml(section.text.replace(colour, '').trim())}</pre></section>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
pre { overflow-x: auto; font-size: 13px; line-height: 1.4 }
</style>
<h1>${escapeHtml(title)}</h1>
${body.join('\n')}
</html>
`;
}
