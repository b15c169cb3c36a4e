/** Every kind of step on random shapes: its values, and that it touches exactly what its regions declare. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Region } from '../../src/runtime/step-kind.js';
import { stepKinds } from '../../src/runtime/step-kinds.js';
import { allocate, type DType, type TensorData } from '../../src/runtime/tensor.js';
import { stepReferences } from '../oracle/step-references.js';
import { replay } from '../support/replay.js';
import { type Random, type StepCase, stepCases, toElement } from '../support/step-cases.js';
import { runners } from '../support/step-runner.js';

/** Elements beyond the declared regions, on each side. */
const margin = 3;

/** Kinds that need not touch all of what they read: by their data, or since windows may leave gaps. */
const sparse = new Set(['gather-columns', 'gather', 'embedding-bag', 'conv', 'pool']);

/** The operand that holds a result. */
const slotOf = (kind: string, result = 0) => stepKinds.get(kind)!.reads.length + result;

const isRead = (kind: string, slot: number) => slot < stepKinds.get(kind)!.reads.length;

const isScratch = (kind: string, slot: number) => stepKinds.get(kind)!.writes[slot - slotOf(kind)]?.scratch ?? false;

function randomOf(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What no kernel may use: NaN, or bytes that make an index invalid. */
function poisoned(dtype: DType, length: number): TensorData {
  const data = allocate(dtype, length);
  if (data instanceof Float32Array || data instanceof Float64Array) return data.fill(Number.NaN) as TensorData;
  new Uint8Array(data.buffer).fill(0x7b);
  return data;
}

/** An operand in an array with margins, and the elements that the reference asks for or names. */
class Operand {
  readonly data: TensorData;
  readonly touched = new Set<number>();

  constructor(
    readonly dtype: DType,
    readonly region: Region,
  ) {
    this.data = poisoned(dtype, region.end - region.first + 2 * margin);
  }

  /** Where element 0 stands in the array. */
  get offset(): number {
    return margin - this.region.first;
  }

  at(index: number): number | bigint {
    return this.data[this.offset + index];
  }

  touch(index: number): boolean {
    const isNew = !this.touched.has(index);
    this.touched.add(index);
    return isNew;
  }

  set(index: number, value: number | bigint): void {
    (this.data as unknown as (number | bigint)[])[this.offset + index] = value;
  }

  /** The smallest region that holds what was touched. */
  hull(): { first: number; end: number } {
    if (this.touched.size === 0) return { first: 0, end: 0 };
    let [first, last] = [Infinity, -Infinity];
    for (const index of this.touched) [first, last] = [Math.min(first, index), Math.max(last, index)];
    return { first, end: last + 1 };
  }
}

const isInteger = (dtype: DType) => dtype !== 'float32' && dtype !== 'float64';

/** Fills what the reference reads with random elements, and lists what it expects to be written. */
function prepare(kind: string, step: StepCase, seed: number) {
  const random = randomOf(seed);
  const regions = stepKinds.get(kind)!.regions(step.params);
  const operands = step.dtypes.map((dtype, slot) => {
    const region = regions.find(({ operand }) => operand === slot)!;
    return dtype && new Operand(dtype, region);
  });
  const read = (slot: number, index: number) => {
    const operand = operands[slot]!;
    if (operand.touch(index)) {
      const fallback = isInteger(operand.dtype) ? Math.floor(random() * 100) : random() * 8 - 4;
      operand.set(index, toElement(operand.dtype, step.draw?.(slot, random) ?? fallback));
    }
    return operand.at(index);
  };
  const expected = stepReferences.get(kind)!(step.params, read, (slot) => operands[slot] !== undefined);
  for (const { index, result } of expected) operands[slotOf(kind, result)]!.touch(index);
  return { operands, expected };
}

function checkRegions(kind: string, operands: readonly (Operand | undefined)[]): void {
  operands.forEach((operand, slot) => {
    if (!operand || isScratch(kind, slot)) return;
    const { first, end } = operand.region;
    const hull = operand.hull();
    if (sparse.has(kind) && isRead(kind, slot)) {
      assert.ok(operand.touched.size === 0 || (first <= hull.first && hull.end <= end), `region of operand ${slot}`);
    } else {
      const declared = end > first ? { first, end } : { first: 0, end: 0 };
      assert.deepEqual(declared, hull, `region of operand ${slot} of ${kind}`);
    }
  });
}

/** Runs the step and compares every element of the written array, its gaps and margins included. */
function checkRun(kind: string, step: StepCase, seed: number): void {
  const { operands, expected } = prepare(kind, step, seed);
  checkRegions(kind, operands);
  const offsets = operands.map((operand) => operand?.offset ?? 0);
  for (const runner of runners) {
    const arrays = operands.map((operand) => operand?.data.slice());
    assert.equal(runner.run(kind, step.params, arrays, offsets), 0, `${runner.name}: refused`);
    for (const { index, result, value, fits } of expected) {
      const slot = slotOf(kind, result);
      const before = operands[slot]!;
      const after = arrays[slot]!;
      const got = after[before.offset + index];
      assert.ok(fits(got), `${runner.name}: result ${result ?? 0}[${index}]: got ${got}, expected ${value}`);
      (after as unknown as (number | bigint)[])[before.offset + index] = before.at(index);
    }
    for (let slot = slotOf(kind); slot < operands.length; slot++) {
      const { region, data, offset } = operands[slot]!;
      if (isScratch(kind, slot)) arrays[slot]!.set(data.subarray(offset, offset + region.end) as never, offset);
      assert.deepEqual(arrays[slot], data, `${runner.name}: wrote outside the elements of operand ${slot}`);
    }
  }
}

describe('step kinds on random shapes', () => {
  it('have cases and a reference each', () => {
    assert.deepEqual(new Set(Object.keys(stepCases)), new Set(stepKinds.keys()));
    assert.deepEqual(new Set(stepReferences.keys()), new Set(stepKinds.keys()));
  });

  for (const [kind, arbitrary] of Object.entries(stepCases)) {
    it(`${kind} computes its formula and touches what its regions say`, () => {
      fc.assert(
        fc.property(arbitrary, fc.integer(), (step, seed) => checkRun(kind, step, seed)),
        { numRuns: 150, ...replay },
      );
    });
  }
});
