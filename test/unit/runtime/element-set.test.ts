import assert from 'node:assert/strict';
import { runsMeet, runsOf, type Touched, touchedMeet } from '../../../src/runtime/element-set.js';
import { boxRegion } from '../../../src/runtime/step-kinds/box.js';
import { Random } from '../../support/random.js';

/** Every element of a strided box, one by one. */
function elementsOf(dims: readonly number[], strides: readonly number[], offset: number): Set<number> {
  let positions = [offset];
  for (const [d, dim] of dims.entries()) {
    positions = positions.flatMap((at) => Array.from({ length: dim }, (_, i) => at + i * strides[d]));
  }
  return new Set(positions);
}

function randomBox(random: Random): { touched: Touched; elements: Set<number> } {
  const dims = Array.from({ length: random.integer(1, 3) }, () => random.integer(0, 4));
  const strides = dims.map(() => random.pick([0, 1, 1, 2, 4, 5, 12, -1, -4]));
  const offset = random.integer(40, 60);
  return { touched: { ...boxRegion(0, dims, strides), offset }, elements: elementsOf(dims, strides, offset) };
}

describe('element sets', () => {
  it('are what a walk over the box finds (500 random boxes)', () => {
    for (let seed = 0; seed < 500; seed++) {
      const { touched, elements } = randomBox(new Random(seed));
      const walked = new Set(
        runsOf(touched)!.flatMap(([first, end]) => Array.from({ length: end - first }, (_, i) => first + i)),
      );
      assert.deepEqual(
        [...walked].sort((a, b) => a - b),
        [...elements].sort((a, b) => a - b),
        `seed ${seed}`,
      );
    }
  });

  it('meet exactly when a walk finds a common element (2,000 random pairs)', () => {
    let meetings = 0;
    for (let seed = 0; seed < 2000; seed++) {
      const random = new Random(seed);
      const [a, b] = [randomBox(random), randomBox(random)];
      const expected = [...a.elements].some((element) => b.elements.has(element));
      assert.equal(touchedMeet(a.touched, b.touched), expected, `seed ${seed}`);
      if (expected) meetings++;
    }
    assert.ok(meetings > 200 && meetings < 1800, `${meetings}`);
  });

  it('lets blocks of columns of one matrix lie side by side, however many rows it has', () => {
    const block = (first: number, columns: number, rows: number): Touched => ({
      ...boxRegion(0, [rows, columns], [100, 1]),
      offset: first,
    });
    assert.ok(!touchedMeet(block(0, 40, 1e6), block(40, 60, 1e6)));
    assert.ok(touchedMeet(block(0, 41, 1e6), block(40, 60, 1e6)));
    assert.equal(runsOf(block(0, 40, 1e6)), null);
    assert.ok(!runsMeet([[0, 5]], [[5, 9]]));
  });
});
