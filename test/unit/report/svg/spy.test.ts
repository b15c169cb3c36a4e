import assert from 'node:assert/strict';
import { drawSpy } from '../../../../src/report/svg/spy.js';

describe('drawSpy', () => {
  it('draws runs of equal cells as one path a level', () => {
    const svg = drawSpy('spy', { height: 2, width: 3, shares: [0.6, 0.6, 0, 0.1, 0, 0.6] }, 0.6);
    assert.ok(svg.includes('viewBox="0 0 3 2"'));
    assert.ok(svg.includes('<path class="cell" d="M0 0h2v1h-2zM2 1h1v1h-1z" fill-opacity="1"/>'));
    assert.ok(svg.includes('<path class="cell" d="M0 1h1v1h-1z" fill-opacity="0.17"/>'));
    assert.equal([...svg.matchAll(/<path/g)].length, 2);
  });

  it('does not join the end of a row to the next', () => {
    const svg = drawSpy('spy', { height: 2, width: 2, shares: [0, 1, 1, 0] }, 1);
    assert.ok(svg.includes('d="M1 0h1v1h-1zM0 1h1v1h-1z"'));
  });
});
