/** What the conversion of a step has at hand. */

import { KerfError } from '../../runtime/errors.js';
import { type Extent, isStatic } from '../../runtime/extent.js';
import type { Operand, Step } from '../../runtime/plan.js';
import { Tensor } from '../../runtime/tensor.js';
import type { GraphWriter, Value } from './graph-writer.js';
import type { Memory } from './memory.js';

export class Converter {
  readonly params: Step['params'];

  constructor(
    readonly step: Step,
    readonly index: number,
    readonly memory: Memory,
    readonly writer: GraphWriter,
  ) {
    this.params = step.params;
  }

  read(slot: number, dims: readonly Extent[], strides?: readonly Extent[]): Value {
    return this.memory.read(this.step.reads[slot], dims, strides);
  }

  write(slot: number, value: Value, dims: readonly Extent[] = value.shape, strides?: readonly Extent[]): void {
    this.memory.write(this.step.writes[slot], value, dims, strides);
  }

  has(slot: number): boolean {
    return slot < this.step.reads.length;
  }

  operand(slot: number): Operand {
    return this.step.reads[slot];
  }

  size(name: string, otherwise: Extent = 1): Extent {
    return (this.params[name] as Extent | undefined) ?? otherwise;
  }

  /** A size that does not depend on the inputs. */
  count(name: string, otherwise = 1): number {
    const size = this.size(name, otherwise);
    if (isStatic(size)) return size;
    throw this.refuse(`"${name}" depends on the inputs`);
  }

  sizes(name: string): readonly Extent[] {
    return this.params[name] as readonly Extent[];
  }

  counts(name: string): readonly number[] {
    const sizes = this.sizes(name);
    if (sizes.every(isStatic)) return sizes as readonly number[];
    throw this.refuse(`"${name}" depends on the inputs`);
  }

  word(name: string): string {
    return this.params[name] as string;
  }

  real(name: string, otherwise: number): number {
    return (this.params[name] as { real: number } | undefined)?.real ?? otherwise;
  }

  scalar(value: number): Value {
    return this.writer.constant('scalar', new Tensor('float32', Float32Array.of(value), []));
  }

  /** y limited to [lo, hi], as the step's params say. */
  clamp(value: Value): Value {
    const [lo, hi] = [this.real('lo', Number.NEGATIVE_INFINITY), this.real('hi', Number.POSITIVE_INFINITY)];
    return this.clip(value, lo, hi);
  }

  clip(value: Value, lo: number, hi: number): Value {
    if (lo === Number.NEGATIVE_INFINITY && hi === Number.POSITIVE_INFINITY) return value;
    if (lo === 0 && hi === Number.POSITIVE_INFINITY) return this.writer.op('Relu', [value], value.shape);
    return this.writer.op('Clip', [value, this.scalar(lo), this.scalar(hi)], value.shape);
  }

  refuse(problem: string): KerfError {
    const { node, kind } = this.step;
    const where = node === undefined ? `step ${this.index} (${kind})` : `node "${node}" (${kind})`;
    return new KerfError(
      'OPERATOR_UNSUPPORTED',
      where,
      `it cannot be written as standard ONNX: ${problem}. Write the network by decompose --onnx.`,
    );
  }
}

/** Writes the nodes that stand for a step. */
export type Conversion = (step: Converter) => void;
