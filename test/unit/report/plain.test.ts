import assert from 'node:assert/strict';
import { plain } from '../../../src/report/plain.js';
import { formatTable } from '../../../src/report/table.js';

describe('plain', () => {
  it('takes out what could steer a terminal', () => {
    assert.equal(plain('a\u001b[31mred\u0007\r\u009b2J\u202eb'), 'a[31mred2Jb');
    assert.equal(plain('one\n  two'), 'one two');
    assert.equal(plain('größe 数'), 'größe 数');
  });

  it('is applied to every cell of a table', () => {
    const table = formatTable([{ head: 'x' }], [['\u001b]0;title\u0007'], [null]]);
    assert.ok(!table.includes('\u001b]') && !table.includes('\u0007'));
    assert.match(table, /^-$/m);
  });
});
