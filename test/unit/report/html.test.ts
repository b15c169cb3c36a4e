import assert from 'node:assert/strict';
import { escapeHtml, htmlPage } from '../../../src/report/html.js';

describe('htmlPage', () => {
  it('escapes every word and drops colours', () => {
    const page = htmlPage('<script>', [{ title: 'a & b', text: '\u001b[1mhead\u001b[22m <img onerror=1>' }]);
    assert.ok(!page.includes('<script>') && !page.includes('<img'));
    assert.ok(page.includes('a &amp; b') && page.includes('head &lt;img onerror=1&gt;'));
    assert.ok(!page.includes('\u001b'));
  });

  it('escapes quotes, so that attributes cannot be left', () => {
    assert.equal(escapeHtml(`"'`), '&quot;&#39;');
  });
});
