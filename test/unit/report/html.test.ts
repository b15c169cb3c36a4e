import assert from 'node:assert/strict';
import { escapeHtml, htmlFacts, htmlPage, htmlTable } from '../../../src/report/html.js';
import { firstFault } from './well-formed.js';

describe('htmlPage', () => {
  it('escapes every word and drops colours', () => {
    const page = htmlPage('<script>', [{ title: 'a & b', text: '\u001b[1mhead\u001b[22m <img onerror=1>' }], '<b>');
    assert.ok(!page.includes('<script>') && !page.includes('<img') && !page.includes('<b>'));
    assert.ok(page.includes('a &amp; b') && page.includes('head &lt;img onerror=1&gt;'));
    assert.ok(!page.includes('\u001b'));
    assert.equal(firstFault(page), null);
  });

  it('escapes quotes, so that attributes cannot be left', () => {
    assert.equal(escapeHtml(`"'`), '&quot;&#39;');
  });

  it('lets nothing be fetched', () => {
    const page = htmlPage('kerf', []);
    assert.match(page, /Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/);
    assert.doesNotMatch(page, /<script|<link|<iframe|src=|@import|url\(|https?:/);
  });
});

describe('htmlTable and htmlFacts', () => {
  it('escape cells, and write a dash for what is absent', () => {
    const table = htmlTable([{ head: '<h>' }, { head: 'n', align: 'right' }], [['</td><i>', null]]);
    assert.ok(table.includes('<td>&lt;/td&gt;&lt;i&gt;</td><td class="right">-</td>'));
    assert.ok(table.includes('<th>&lt;h&gt;</th>'));
    assert.equal(htmlFacts([['<n>', '<v>']]), '<dl><dt>&lt;n&gt;</dt><dd>&lt;v&gt;</dd></dl>');
  });
});

describe('firstFault', () => {
  it('finds what is not well formed', () => {
    assert.equal(firstFault('<p><b>x</b></p>'), null);
    assert.match(firstFault('<p><b>x</p></b>')!, /closes another/);
    assert.match(firstFault('<p>')!, /not closed/);
    assert.match(firstFault('<p>a < b</p>')!, /bare </);
  });
});
