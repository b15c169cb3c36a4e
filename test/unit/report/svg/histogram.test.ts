import assert from 'node:assert/strict';
import { drawHistogram } from '../../../../src/report/svg/histogram.js';
import { firstFault } from '../well-formed.js';

const ticks = [{ at: 0, text: '<0>' }];

describe('drawHistogram', () => {
  it('draws each count to scale, and the null hypothesis at its height', () => {
    // The plot is 296 wide and 112 high, from (12, 18) to (308, 130); the highest count fills it.
    const svg = drawHistogram({ title: 'p', counts: [4, 0, 2, 1], from: 0, to: 1, expected: [2], ticks });
    const bars = [
      ...svg.matchAll(/<rect class="bar" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"\/>/g),
    ];
    assert.deepEqual(
      bars.map(([, ...numbers]) => numbers.map(Number)),
      [
        [12.5, 18, 73, 112],
        [160.5, 74, 73, 56],
        [234.5, 102, 73, 28],
      ],
    );
    assert.ok(svg.includes('<polyline class="null" points="12.00,74.00 308.00,74.00"/>'));
    assert.equal(firstFault(svg), null);
  });

  it('marks the threshold and the bars beyond it', () => {
    const threshold = { at: 5, text: '1 of 2' };
    const svg = drawHistogram({ title: 's', counts: [1, 1], from: 0, to: 10, expected: [1, 0], ticks, threshold });
    assert.ok(svg.includes('<rect class="bar beyond" x="160.5"'));
    assert.ok(svg.includes('<line class="threshold" x1="160" x2="160" y1="18" y2="130"/>'));
    assert.ok(svg.includes('points="86.00,18.00 234.00,130.00"'));
  });

  it('escapes every word', () => {
    const svg = drawHistogram({ title: '"><script>', counts: [1], from: 0, to: 1, expected: [1], ticks, note: '<x>' });
    assert.ok(!svg.includes('<script>') && !svg.includes('<x>'));
    assert.ok(svg.includes('aria-label="&quot;&gt;&lt;script&gt;"') && svg.includes('&lt;0&gt;'));
    assert.equal(firstFault(svg), null);
  });

  it('draws nothing from nothing without a number that is none', () => {
    const svg = drawHistogram({ title: 'empty', counts: [0, 0], from: 0, to: 1, expected: [0], ticks });
    assert.doesNotMatch(svg, /NaN|Infinity/);
  });
});
