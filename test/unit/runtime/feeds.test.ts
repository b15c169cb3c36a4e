import assert from 'node:assert/strict';
import { symbol } from '../../../src/runtime/extent.js';
import { bindingsOf, checkFeeds, checkOutputs, FeedShapes } from '../../../src/runtime/feeds.js';
import type { PlanPort } from '../../../src/runtime/plan.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { withCode } from '../../support/codes.js';

const batch = symbol('batch');
const ports: PlanPort[] = [
  { name: 'x', dtype: 'float32', shape: [batch, 3], buffer: 0 },
  { name: 'mask', dtype: 'int32', shape: [batch, [[2, 'batch']]], buffer: 1 },
];
const x = (rows: number, columns = 3) => new Tensor('float32', new Float32Array(rows * columns), [rows, columns]);
const mask = (rows: number, columns: number) => new Tensor('int32', new Int32Array(rows * columns), [rows, columns]);

describe('checkFeeds', () => {
  it('accepts what fits and learns the symbols', () => {
    const feeds = { x: x(2), mask: mask(2, 4) };
    checkFeeds(ports, feeds);
    assert.deepEqual([...bindingsOf(ports, feeds)], [['batch', 2]]);
  });

  it('names a missing and an unknown input, and the known ones', () => {
    assert.throws(() => checkFeeds(ports, { x: x(1) }), withCode('INPUT_MISSING', '"mask"', 'x, mask'));
    const feeds = { x: x(1), mask: mask(1, 2), extra: x(1) };
    assert.throws(() => checkFeeds(ports, feeds), withCode('INPUT_UNKNOWN', '"extra"', 'x, mask'));
  });

  it('takes no feeds, and a feed that is undefined, for missing ones', () => {
    for (const feeds of [undefined, null, { x: undefined, mask: mask(1, 2) }]) {
      assert.throws(() => checkFeeds(ports, feeds as never), withCode('INPUT_MISSING', '"x"'));
    }
  });

  it('refuses a name that only the prototype has', () => {
    const odd: PlanPort[] = [{ name: 'toString', dtype: 'float32', shape: [1], buffer: 0 }];
    assert.throws(() => checkFeeds(odd, {}), withCode('INPUT_MISSING', '"toString"'));
  });

  it('names dtypes, ranks and dimensions that differ', () => {
    const int = new Tensor('int32', new Int32Array(3), [1, 3]);
    assert.throws(
      () => checkFeeds(ports, { x: int, mask: mask(1, 2) }),
      withCode('DTYPE_MISMATCH', 'int32', 'float32'),
    );
    const flat = new Tensor('float32', new Float32Array(3), [3]);
    assert.throws(() => checkFeeds(ports, { x: flat, mask: mask(1, 2) }), withCode('SHAPE_MISMATCH', 'rank', '[3]'));
    const wide = { x: x(1, 4), mask: mask(1, 2) };
    assert.throws(() => checkFeeds(ports, wide), withCode('SHAPE_MISMATCH', '[1, 4]', '[batch, 3]'));
  });

  it('refuses a symbol with two values, and a size that does not follow from it', () => {
    assert.throws(() => checkFeeds(ports, { x: x(2), mask: mask(3, 4) }), withCode('SHAPE_MISMATCH', 'batch'));
    assert.throws(() => checkFeeds(ports, { x: x(2), mask: mask(2, 5) }), withCode('SHAPE_MISMATCH', '2*batch'));
  });

  it('takes a tensor of another class, and checks it', () => {
    const alike = { type: 'float32', data: new Float32Array(3), dims: [1, 3] } as unknown as Tensor;
    checkFeeds(ports, { x: alike, mask: mask(1, 2) });
    const lying = { type: 'float32', data: new Float32Array(2), dims: [1, 3] } as unknown as Tensor;
    assert.throws(() => checkFeeds(ports, { x: lying, mask: mask(1, 2) }), withCode('SHAPE_MISMATCH'));
    assert.throws(
      () => checkFeeds(ports, { x: null as unknown as Tensor, mask: mask(1, 2) }),
      withCode('DTYPE_MISMATCH'),
    );
  });
});

describe('feeds whose dims or data changed since they were made', () => {
  const rows = (n: number) => new Tensor('float32', new Float32Array(4 * n), [n, 4]);
  const ports: readonly PlanPort[] = [{ name: 'x', dtype: 'float32', shape: [symbol('n'), 4], buffer: 0 }];

  it('are refused, also behind a run of the same shape: what is missing would be of an earlier one', () => {
    const known = new FeedShapes(ports);
    known.remember({ x: rows(2) });
    assert.equal(known.has({ x: rows(2) }), true);
    const longer = [1, 4];
    const changed = new Tensor('float32', new Float32Array(4), longer);
    longer[0] = 2;
    const taken = rows(2);
    structuredClone(taken.data, { transfer: [taken.data.buffer as ArrayBuffer] });
    for (const x of [changed, taken]) {
      assert.equal(known.has({ x }), false);
      assert.throws(() => checkFeeds(ports, { x }), withCode('SHAPE_MISMATCH', 'size differs'));
    }
  });
});

describe('checkOutputs', () => {
  it('names an output that does not exist', () => {
    assert.throws(() => checkOutputs(ports, ['x', 'z']), withCode('OUTPUT_UNKNOWN', '"z"', 'x, mask'));
    checkOutputs(ports, ['mask']);
    checkOutputs(ports, undefined);
  });
});
