import assert from 'node:assert/strict';
import { stripVTControlCharacters } from 'node:util';
import { analyzeLayers } from '../../../src/evidence/index.js';
import { evidenceJson, formatEvidence, summaryLine } from '../../../src/report/evidence.js';
import { groupTensors } from '../../../src/report/evidence-groups.js';
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

describe('groupTensors', () => {
  const [first, second] = evidence.tensors;
  const deep = Array.from({ length: 15 }, (_, i) => [
    { ...first, name: `layers.${i}.weight` },
    { ...second, name: `layers.${i}.weight`, scaleRatio: 1 + i / 10 },
  ]).flat();

  it('puts tensors of one verdict and law together whose names differ in numbers', () => {
    assert.deepEqual(
      groupTensors(deep).map((group) => [group[0].verdict, group.length]),
      [
        [first.verdict, 15],
        [second.verdict, 15],
      ],
    );
  });

  it('gives many tensors a line a group, with ranges and sums, and all of them on demand', () => {
    const many = { ...evidence, tensors: deep };
    const table = linesOf(formatEvidence(many));
    assert.equal(table.filter((line) => line.includes('layers.')).length, 2 + 12); // the reasons name twelve
    assert.match(table[4], /^partly +layers\.\*\.weight \(15\) +normal:1 +1 to 2\.4 /);
    const rank = 15 * second.spectrum!.rank;
    assert.match(table[4], new RegExp(`/${rank.toLocaleString('en-US')}$`));
    const all = linesOf(formatEvidence(many, { verbose: true })).slice(3, 33);
    assert.ok(all.every((line, i) => line.includes(`layers.${Math.floor(i / 2)}.weight`)));
  });
});

describe('evidenceJson', () => {
  it('holds singular values and p-values of units as lists, and no pictures', () => {
    const json = JSON.parse(JSON.stringify(evidenceJson(evidence)));
    for (const [i, { spectrum, pictures }] of json.tensors.entries()) {
      assert.equal(pictures, undefined);
      const { values } = evidence.tensors[i].spectrum!;
      assert.equal(spectrum.values.length, values.length);
      assert.ok(Math.abs(spectrum.values[0] / values[0] - 1) < 1e-6);
    }
    for (const [i, { pValues }] of json.units.entries()) {
      assert.equal(pValues.length, evidence.units[i].pValues.length);
    }
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
