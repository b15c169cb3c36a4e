/**
 * Ranks and widths across layers under one budget of work: a direction, a hidden unit or an input is kept where what it
 * carries, per multiply-add, is above one price for all layers.
 *
 *     a layer of rank r:   r (inputs + out)        so one direction costs inputs + out,
 *     a whole layer:       inputs out              and one input r or out of each layer that reads it,
 *                                                  one hidden unit that, and r or inputs of the layer that makes it
 */

/** What a layer offers: its directions, and what it costs. */
export interface Offer {
  /** Layer name. */
  readonly name: string;
  /** What leaving a direction out adds to the error, descending; the same unit in all offers. Null: it stays whole. */
  readonly values: Float64Array | null;
  readonly out: number;
  readonly inputs: number;
  /** How often the layer is applied to one sample. */
  readonly positions: number;
}

/** What can be narrowed: the inputs of layers, or the hidden units between layers. */
export interface Side {
  readonly name: string;
  /** What the removal of one more position adds to the error, ascending. */
  readonly costs: Float64Array;
  /** Layers whose inputs these are. */
  readonly readers: readonly string[];
  /** The layer whose outputs these are; null for inputs that no layer makes. */
  readonly writer: string | null;
  /** Inputs of a reader that one position makes: the taps of a channel, or its places; 1 by default. */
  readonly group?: number;
}

export interface Allocation {
  /** Inner ranks; layers that stay whole are left out. */
  readonly ranks: ReadonlyMap<string, number>;
  /** How many positions each side keeps; at least 1. */
  readonly widths: ReadonlyMap<string, number>;
  /** Multiply-adds of all offers together. */
  readonly work: number;
}

/** Halvings of the price's logarithm: enough to tell any two directions apart. */
const steps = 60;

/** Rounds in which ranks and widths settle: as layers get narrower, directions get cheaper, and the other way round. */
const rounds = 20;

/** Elements of a descending list that are above a value. */
function countAbove(descending: Float64Array, value: number): number {
  let [first, end] = [0, descending.length];
  while (first < end) {
    const middle = (first + end) >> 1;
    if (descending[middle] > value) first = middle + 1;
    else end = middle;
  }
  return first;
}

interface Form {
  inputs: number;
  out: number;
  /** Null for a whole layer. */
  rank: number | null;
}

/** Multiply-adds of one application. */
const workOf = ({ inputs, out, rank }: Form): number => (rank === null ? inputs * out : rank * (inputs + out));

/** Looks for the cheapest forms at a price per multiply-add. */
class Market {
  /** What the directions from r on carry together, by layer. */
  readonly #rests = new Map<string, Float64Array>();
  /** Removal costs, descending, by side. */
  readonly #descending = new Map<string, Float64Array>();

  constructor(
    readonly offers: readonly Offer[],
    readonly sides: readonly Side[],
  ) {
    for (const { name, values } of offers) if (values) this.#rests.set(name, sumsBehind(values));
    for (const { name, costs } of sides) this.#descending.set(name, costs.slice().reverse());
  }

  /** The rank of a layer at a price, or null where the whole layer is worth it. */
  #rankAt({ name, values, positions }: Offer, { inputs, out }: Form, price: number): number | null {
    if (!values) return null;
    const costPerRank = positions * (inputs + out);
    const rank = Math.max(1, countAbove(values, price * costPerRank));
    const rest = (this.#rests.get(name) as Float64Array)[rank];
    return rest + price * costPerRank * rank < price * positions * inputs * out ? rank : null;
  }

  /** What one position of a side costs. */
  #marginOf(
    { readers, writer, group = 1 }: Side,
    forms: ReadonlyMap<string, Form>,
    positions: ReadonlyMap<string, number>,
  ) {
    const margin = (name: string, other: 'inputs' | 'out') => {
      const form = forms.get(name) as Form;
      return (positions.get(name) as number) * (form.rank ?? form[other]);
    };
    const reading = group * readers.reduce((sum, name) => sum + margin(name, 'out'), 0);
    return reading + (writer === null ? 0 : margin(writer, 'inputs'));
  }

  at(price: number): Allocation {
    const positions = new Map(this.offers.map((offer) => [offer.name, offer.positions]));
    const forms = new Map(
      this.offers.map(({ name, inputs, out }): [string, Form] => [name, { inputs, out, rank: null }]),
    );
    const widths = new Map(this.sides.map(({ name, costs }) => [name, costs.length]));
    for (let round = 0; round < rounds; round++) {
      for (const offer of this.offers) {
        const form = forms.get(offer.name) as Form;
        form.rank = this.#rankAt(offer, form, price);
      }
      const next = this.sides.map((side) => {
        const worth = price * this.#marginOf(side, forms, positions);
        return Math.max(1, countAbove(this.#descending.get(side.name) as Float64Array, worth));
      });
      if (next.every((width, i) => width === widths.get(this.sides[i].name))) break;
      this.sides.forEach(({ name, readers, writer, group = 1 }, i) => {
        widths.set(name, next[i]);
        for (const reader of readers) (forms.get(reader) as Form).inputs = group * next[i];
        if (writer !== null) (forms.get(writer) as Form).out = next[i];
      });
    }
    const ranks = [...forms].flatMap(([name, { rank }]) => (rank === null ? [] : [[name, rank] as const]));
    const work = this.offers.reduce((sum, { name, positions: n }) => sum + n * workOf(forms.get(name) as Form), 0);
    return { ranks: new Map(ranks), widths, work };
  }

  /** A price at which nothing but the cheapest form of everything is kept. */
  highest(): number {
    const values = this.offers.flatMap(({ values: all, positions }) => (all ? [all[0] / positions] : []));
    return Math.max(...values, ...this.sides.map(({ costs }) => costs[costs.length - 2] ?? 0));
  }
}

/** Sums of the elements from each position on; length n + 1. */
function sumsBehind(values: Float64Array): Float64Array {
  const sums = new Float64Array(values.length + 1);
  for (let i = values.length - 1; i >= 0; i--) sums[i] = sums[i + 1] + Math.max(0, values[i]);
  return sums;
}

/**
 * Ranks and widths whose work is at most `budget`, as true as greedy choice makes them.
 * @param budget  multiply-adds of all offers together
 * @returns null when even the cheapest form of everything costs more
 */
export function allocate(offers: readonly Offer[], sides: readonly Side[], budget: number): Allocation | null {
  const market = new Market(offers, sides);
  const largest = market.highest();
  let [low, high] = [Math.log(largest * 1e-14), Math.log(largest) + 1];
  if (!(market.at(Math.exp(high)).work <= budget)) return null;
  for (let step = 0; step < steps; step++) {
    const middle = (low + high) / 2;
    if (market.at(Math.exp(middle)).work <= budget) high = middle;
    else low = middle;
  }
  return market.at(Math.exp(high));
}
