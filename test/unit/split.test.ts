import assert from 'node:assert/strict';
import {
  hashRows,
  keysOfRepeats,
  refuseOverlap,
  rowCount,
  rowKeys,
  type takeRows,
  thinRows,
} from '../../src/annealing/rows.js';
import { splitRows } from '../../src/annealing/split.js';
import { Tensor } from '../../src/runtime/tensor.js';

const rowsOf = (values: readonly number[]) => ({
  x: new Tensor('float32', Float32Array.from(values), [values.length, 1]),
});
const valuesOf = (rows: ReturnType<typeof takeRows>) => [...(rows.x.data as Float32Array)];

describe('splitRows', () => {
  const values = Array.from({ length: 1000 }, (_, i) => i);
  const strata = values.map((i) => (i % 10 === 0 ? 'rare' : 'common'));

  it('takes the same share of every stratum, and every row once', () => {
    const { calibration, guard } = splitRows(rowsOf(values), strata, 200, 7);
    assert.equal(rowCount(guard), 200);
    assert.equal(valuesOf(guard).filter((i) => i % 10 === 0).length, 20);
    const all = [...valuesOf(guard), ...valuesOf(calibration)].sort((a, b) => a - b);
    assert.deepEqual(all, values);
    refuseOverlap(calibration, guard);
  });

  it('gives the same split for the same seed and another for another', () => {
    const guardOf = (seed: number) => valuesOf(splitRows(rowsOf(values), strata, 200, seed).guard);
    assert.deepEqual(guardOf(1), guardOf(1));
    assert.notDeepEqual(guardOf(1), guardOf(2));
  });

  it('keeps equal rows on one side', () => {
    const doubled = rowsOf(values.map((i) => i >> 1));
    const { calibration, guard } = splitRows(doubled, strata, 300, 3, keysOfRepeats(doubled));
    refuseOverlap(calibration, guard);
    assert.ok(Math.abs(rowCount(guard) - 300) <= 2);
  });
});

describe('splitRows with clusters', () => {
  it('keeps each cluster on one side, and says where the guard rows stood', () => {
    const values = Array.from({ length: 400 }, (_, i) => i);
    const clusters = values.map((i) => i % 80);
    const { calibration, guard, guardRows } = splitRows(
      rowsOf(values),
      values.map(() => ''),
      100,
      2,
      clusters,
    );
    assert.deepEqual(valuesOf(guard), guardRows);
    assert.equal(guardRows.length, 100);
    const inGuard = new Set(guardRows.map((row) => clusters[row]));
    assert.ok(valuesOf(calibration).every((row) => !inGuard.has(clusters[row])));
  });
});

describe('rows', () => {
  it('refuses arrays of different length', () => {
    assert.throws(() => rowCount({ ...rowsOf([1, 2]), y: rowsOf([1]).x }), { code: 'DATA_INVALID', exitCode: 3 });
  });

  it('refuses a guard that shares rows with the calibration', () => {
    assert.throws(() => refuseOverlap(rowsOf([1, 2, 3]), rowsOf([3, 4])), {
      code: 'DATA_INVALID',
      details: { shared: 1 },
    });
  });

  it('hashes content, names and shapes', () => {
    assert.equal(hashRows(rowsOf([1, 2])), hashRows(rowsOf([1, 2])));
    assert.notEqual(hashRows(rowsOf([1, 2])), hashRows(rowsOf([1, 3])));
    assert.notEqual(hashRows(rowsOf([1, 2])), hashRows({ y: rowsOf([1, 2]).x }));
    assert.notEqual(hashRows(rowsOf([1, 2])), hashRows({ x: new Tensor('float32', new Float32Array([1, 2]), [1, 2]) }));
    assert.equal(new Set(rowKeys(rowsOf([1, 2, 1]))).size, 2);
  });

  it('thins evenly', () => {
    assert.deepEqual(valuesOf(thinRows(rowsOf([0, 1, 2, 3, 4, 5]), 3)), [0, 2, 4]);
    assert.equal(rowCount(thinRows(rowsOf([0, 1]), 3)), 2);
  });
});
