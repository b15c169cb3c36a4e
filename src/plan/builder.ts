/** Collects buffers, weights and steps while operators lower themselves. */
import type { Fact } from '../graph/graph.js';
import type { Facts } from '../graph/infer.js';
import type { Int8Weights, Join, Place, PlanBuilder, Rows } from '../graph/operator.js';
import { emitCopy, rowStrides, shifted } from '../graph/operators/lower-copy.js';
import { type Extent, equals, product } from '../runtime/extent.js';
import type { Operand, PlanBuffer, PlanWeight, Step, StepParam } from '../runtime/plan.js';
import { type DType, elementBytes, type Tensor } from '../runtime/tensor.js';
import { packPanels } from './pack-panels.js';
import type { RowLayout } from './row-layout.js';
import { narrowToHalf, packInt8Panels } from './small-panels.js';

/** A step and the part it belongs to. */
export interface PlacedStep extends Step {
  readonly part: number;
}

export class Builder implements PlanBuilder {
  readonly buffers: PlanBuffer[] = [];
  readonly weights: PlanWeight[] = [];
  readonly steps: PlacedStep[] = [];
  readonly #facts: Facts;
  readonly #layout: RowLayout;
  readonly #places = new Map<string, Place>();
  /** Values that stand inside others. */
  readonly #views = new Map<string, Rows>();
  /** Copies of views without gaps, by part and value: a part must not wait for the copy of another. */
  readonly #copies = new Map<string, Place>();
  /** Weight number by what it holds; names alone could be chosen to collide. */
  readonly #weightOf = new Map<string, number>();
  readonly #weightNames = new Set<string>();
  readonly #biasNumbers = new Map<Tensor, number>();
  #node = '';
  #part = 0;

  constructor(facts: Facts, layout: RowLayout) {
    this.#facts = facts;
    this.#layout = layout;
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
    const view = this.#views.get(value);
    if (view) return this.#closeGaps(value, view);
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

  rows(value: string): Rows {
    const view = this.#views.get(value);
    if (view) return view;
    const { operand, fact } = this.place(value);
    return { operand, stride: fact.shape.at(-1) ?? 1, fact };
  }

  sources(value: string): readonly Rows[] {
    return (this.#layout.pairs.get(value) ?? [value]).map((piece) => this.rows(piece));
  }

  outputRows(value: string): Rows {
    const home = this.#layout.homes.get(value);
    if (!home) {
      this.output(value);
      return this.rows(value);
    }
    const { operand, fact } = this.output(home.whole);
    this.view(value, { operand: shifted(operand, home.first), stride: fact.shape.at(-1)! });
    return this.rows(value);
  }

  join(value: string): Join {
    const { pairs, homes } = this.#layout;
    const isInside = (piece: string, first: Extent) => {
      const home = homes.get(piece);
      return home?.whole === value && equals(first, home.first);
    };
    return { isVirtual: pairs.has(value), isInside };
  }

  view(value: string, { operand, stride }: Omit<Rows, 'fact'>): void {
    this.#views.set(value, { operand, stride, fact: this.fact(value) });
  }

  output(value: string): Place {
    const known = this.#places.get(value);
    if (known) return known;
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

  panels(
    name: string,
    W: Tensor<'float32'>,
    b: Tensor<'float32'> | null,
    dtype: 'float32' | 'float16' = 'float32',
  ): Operand {
    return this.#addWeight(`panels ${dtype} ${this.#biasNumber(b)} ${name}`, name, () => {
      const panels = packPanels(W, b);
      return {
        name,
        dtype,
        shape: W.dims,
        layout: 'panels',
        data: dtype === 'float16' ? narrowToHalf(panels) : panels,
      };
    });
  }

  int8Panels(name: string, add: Tensor | null, make: () => Int8Weights): Operand {
    return this.#addWeight(`panels int8 ${this.#biasNumber(add)} ${name}`, name, () => {
      const weights = make();
      const shape = [weights.N, weights.K];
      return { name, dtype: 'int8', shape, layout: 'panels-int8', data: packInt8Panels(weights) };
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
    this.#copies.clear();
    for (const value of outputs) {
      this.#places.delete(value);
      this.#views.delete(value);
    }
    return false;
  }

  #closeGaps(value: string, { operand, stride, fact }: Rows): Place {
    const key = `${this.#part} ${value}`;
    const known = this.#copies.get(key);
    if (known) return known;
    const { dtype, shape } = fact;
    const place = { operand: this.scratch(dtype, product(shape)), fact };
    emitCopy(this, dtype, operand, place.operand, shape, rowStrides(shape, stride));
    this.#copies.set(key, place);
    return place;
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
