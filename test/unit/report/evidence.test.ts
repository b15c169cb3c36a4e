import assert from 'node:assert/strict';
import { stripVTControlCharacters } from 'node:util';
import { analyzeLayers } from '../../../src/evidence/index.js';
import { evidenceJson, formatEvidence, summaryLine } from '../../../src/report/evidence.js';
import { evidenceSections } from '../../../src/report/evidence-page.js';
import { htmlPage } from '../../../src/report/html.js';
import { shortened } from '../../../src/report/plain.js';
import { hostileName, plantedLayers } from './planted-layers.js';
import { firstFault } from './well-formed.js';

const evidence = await analyzeLayers(plantedLayers(), { init: 'normal:1', pictures: true });
const linesOf = (text: string) => stripVTControlCharacters(text).split('\n');

describe('shortened', () => {
  it('keeps both ends of a name', () => {
    assert.equal(shortened('encoder/layer_0/weight', 13), 'encode…weight');
    assert.equal(shortened('weight', 13), 'weight');
    assert.equal(shortened('abcdef', 1), 'a…f');
  });
});

describe('formatEvidence', () => {
  it('says verdicts first, then one line per tensor', () => {
    const lines = linesOf(formatEvidence(evidence));
    assert.equal(lines[1], '2 tensors: 1 partly, 1 initialisation');
    assert.match(lines[2], /^verdict +tensor +law +scale +KS +supported +units +directions$/);
    assert.match(lines[3], /^initialisation +pure\.weight +normal:1 /);
    assert.equal(summaryLine(evidence), '2 tensors: 1 partly, 1 initialisation');
  });

  it('gives reasons of what is not its initialisation, and of all on demand', () => {
    const why = (text: string) => stripVTControlCharacters(text).split('\nWhy\n')[1];
    assert.doesNotMatch(why(formatEvidence(evidence)), /pure\.weight/);
    assert.match(why(formatEvidence(evidence)), /directions are supported/);
    assert.match(why(formatEvidence(evidence, { verbose: true })), /^pure\.weight: nothing distinguishes/);
  });

  it('keeps to the width of the terminal, cutting names in the middle', () => {
    const table = linesOf(formatEvidence(evidence, { width: 70 })).slice(2, 5);
    for (const line of table) assert.ok(line.length <= 70, line);
    assert.match(table[2], /…/);
    assert.doesNotMatch(table[0], /directions/);
  });
});

describe('evidenceJson', () => {
  it('leaves out singular values and pictures', () => {
    const [first] = evidenceJson(evidence).tensors as { spectrum: object; pictures?: object }[];
    assert.equal(first.pictures, undefined);
    assert.ok(!('values' in first.spectrum));
  });
});

describe('evidenceSections', () => {
  const page = htmlPage('evidence', evidenceSections(evidence), hostileName);

  it('is well formed and escapes names of tensors', () => {
    assert.equal(firstFault(page), null);
    assert.ok(!page.includes('<img') && page.includes('&lt;img src=x onerror=alert(1)&gt;'));
    assert.doesNotMatch(page, /NaN|Infinity|undefined/);
  });

  it('draws p-values, the spectrum and the supported weights of each matrix', () => {
    const captions = [...page.matchAll(/<figcaption><b>([^<]+)<\/b>/g)].map(([, title]) => title);
    assert.deepEqual([...new Set(captions)].sort(), [
      'Singular values',
      'Supported weights',
      'p-values of columns (inputs)',
      'p-values of rows (outputs)',
      'p-values of weights',
    ]);
    assert.match(page, /ordered by (blocks|components)/);
  });
});
