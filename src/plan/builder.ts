/** Collects buffers, weights and steps while operators lower themselves. */
import type { Fact } from '../graph/graph.js';
import type { Facts } from '../graph/infer.js';
import type { Place, PlanBuilder } from '../graph/operator.js';
import { type Extent, product } from '../runtime/extent.js';
import type { Operand, PlanBuffer, PlanWeight, Step, StepParam } from '../runtime/plan.js';
import { type DType, elementBytes, type Tensor } from '../runtime/tensor.js';
import { packPanels } from './pack-panels.js';

/** A step and the part it belongs to. */
export interface PlacedStep extends Step {
  readonly part: number;
}

export class Builder implements PlanBuilder {
  readonly buffers: PlanBuffer[] = [];
  readonly weights: PlanWeight[] = [];
  readonly steps: PlacedStep[] = [];
  readonly #facts: Facts;
  readonly #places = new Map<string, Place>();
  /** Weight number by what it holds; names alone could be chosen to collide. */
  readonly #weightOf = new Map<string, number>();
  readonly #weightNames = new Set<string>();
  readonly #biasNumbers = new Map<Tensor, number>();
  #node = '';
  #part = 0;

  constructor(facts: Facts) {
    this.#facts = facts;
  }

  /** Later steps come from this node. */
  enter(node: string, part: number): void {
    this.#node = node;
    this.#part = part;
  }

  fact(value: string): Fact {
    return this.#facts.get(value)!;
  }

  place(value: string): Place {
    const known = this.#places.get(value);
    if (known) return known;
    const fact = this.fact(value);
    const { constant } = fact;
    if (!constant) throw new Error(`value "${value}" is placed before it is computed`);
    const { type: dtype, dims: shape, data } = constant;
    const operand = this.#addWeight(`value ${value}`, value, () => ({
      name: value,
      dtype,
      shape,
      layout: 'plain',
      data,
    }));
    const place = { operand, fact };
    this.#places.set(value, place);
    return place;
  }

  output(value: string): Place {
    const fact = this.fact(value);
    const place = { operand: this.scratch(fact.dtype, product(fact.shape)), fact };
    this.#places.set(value, place);
    return place;
  }

  alias(value: string, source: string): void {
    this.#places.set(value, { operand: this.place(source).operand, fact: this.fact(value) });
  }

  scratch(dtype: DType, size: Extent): { readonly buffer: number } {
    this.buffers.push({ dtype, size });
    return { buffer: this.buffers.length - 1 };
  }

  weight(weight: PlanWeight): Operand {
    return this.#addWeight(`made ${weight.name}`, weight.name, () => weight);
  }

  panels(name: string, W: Tensor<'float32'>, b: Tensor<'float32'> | null): Operand {
    return this.#addWeight(`panels ${this.#biasNumber(b)} ${name}`, name, () => {
      return { name, dtype: 'float32', shape: W.dims, layout: 'panels', data: packPanels(W, b) };
    });
  }

  step(
    kind: string,
    reads: readonly Operand[],
    writes: readonly Operand[],
    params: Readonly<Record<string, StepParam>>,
  ): void {
    this.steps.push({ kind, reads, writes, params, node: this.#node, part: this.#part });
  }

  /** A contiguous copy of a value in a buffer of its own. */
  copy(value: string): number {
    const { operand, fact } = this.place(value);
    const target = this.scratch(fact.dtype, product(fact.shape));
    this.step('copy', [operand], [target], {
      elementBytes: elementBytes(fact.dtype),
      dims: [product(fact.shape)],
      srcStrides: [1],
      dstStrides: [1],
    });
    return target.buffer;
  }

  /** Runs `lower`; where it declines, nothing of what it emitted stays. */
  attempt(lower: () => boolean, outputs: readonly string[]): boolean {
    const [steps, buffers] = [this.steps.length, this.buffers.length];
    if (lower()) return true;
    this.steps.length = steps;
    this.buffers.length = buffers;
    for (const value of outputs) this.#places.delete(value);
    return false;
  }

  #biasNumber(bias: Tensor | null): number {
    if (!bias) return 0;
    const number = this.#biasNumbers.get(bias) ?? this.#biasNumbers.size + 1;
    this.#biasNumbers.set(bias, number);
    return number;
  }

  #addWeight(key: string, wanted: string, make: () => PlanWeight): Operand {
    const known = this.#weightOf.get(key);
    if (known !== undefined) return { weight: known };
    let name = wanted;
    for (let n = 1; this.#weightNames.has(name); n++) name = `${wanted}#${n}`;
    this.#weightNames.add(name);
    this.weights.push({ ...make(), name });
    this.#weightOf.set(key, this.weights.length - 1);
    return { weight: this.weights.length - 1 };
  }
}
