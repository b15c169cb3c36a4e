/**
 * Ranks and widths across layers under one budget: of all forms, those for which what they leave out, plus a rate times
 * what they cost, is least; the rate is the same for all layers, and found so that they fit the budget. In multiply-adds
 *
 *     a layer of rank r:   r (inputs + out)        so one direction costs inputs + out,
 *     a whole layer:       inputs out              and one input r or out of each layer that reads it,
 *                                                  one hidden unit that, and r or inputs of the layer that makes it,
 *                                                  one place of all heads these, and what attention multiplies there
 *
 * Ranks, and hidden units that are narrowed, are then raised as far as that costs nothing.
 */
import type { Prices } from './prices.js';

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

/** What can be narrowed: the inputs of layers, the hidden units between layers, or the heads of attention. */
export interface Side {
  readonly name: string;
  /** What the removal of one more position adds to the error, ascending. */
  readonly costs: Float64Array;
  /** Layers whose inputs these are. */
  readonly readers: readonly string[];
  /** The layers whose outputs these are; none for inputs that no layer makes. */
  readonly writers: readonly string[];
  /** Inputs of a reader that one position makes: the taps of a channel, its places, or one in each head; 1 by default. */
  readonly group?: number;
  /** Outputs of a writer that one position is: one in each head; 1 by default. */
  readonly outputs?: number;
  /** What attention multiplies over these positions: `size` results at `rows` places of a sample. */
  readonly products?: { readonly rows: number; readonly size: number };
}

export interface Allocation {
  /** Inner ranks; layers that stay whole are left out. */
  readonly ranks: ReadonlyMap<string, number>;
  /** How many positions each side keeps; at least 1. */
  readonly widths: ReadonlyMap<string, number>;
  /** Of all offers together. */
  readonly price: number;
}

/** Halvings of the rate's logarithm: enough to tell any two directions apart. */
const steps = 60;

/** Rounds in which ranks and widths settle: as layers get narrower, directions get cheaper, and the other way round. */
const rounds = 20;

/** Rates between which to look, over the rate at which everything together is worth its price. */
const [lowest, highest] = [1e-14, 1e14];

const workOfLayers: LayerPrices = {
  ofLinear: (positions, inputs, out) => positions * inputs * out,
  freeOutputs: 1,
  ofGather: () => 0,
};

interface Form {
  inputs: number;
  out: number;
  /** Null for a whole layer. */
  rank: number | null;
}

type LayerPrices = Pick<Prices, 'ofLinear' | 'ofGather' | 'freeOutputs'>;

/** Looks for the forms that are cheapest together: what they leave out, plus what they cost at a rate. */
class Market {
  /** What the directions from r on carry together, by layer. */
  readonly #rests = new Map<string, Float64Array>();
  /** What keeping w positions leaves out, by side. */
  readonly #losses = new Map<string, Float64Array>();
  readonly #offers: ReadonlyMap<string, Offer>;

  constructor(
    readonly offers: readonly Offer[],
    readonly sides: readonly Side[],
    readonly prices: LayerPrices,
  ) {
    this.#offers = new Map(offers.map((offer) => [offer.name, offer]));
    for (const { name, values } of offers) if (values) this.#rests.set(name, sumsBehind(values));
    for (const { name, costs } of sides) this.#losses.set(name, sumsBehind(costs.slice().reverse()));
  }

  /** One application of a layer to each sample. */
  #priceOf(name: string, { inputs, out, rank }: Form): number {
    const { positions } = this.#offers.get(name) as Offer;
    const { ofLinear } = this.prices;
    if (rank === null) return ofLinear(positions, inputs, out);
    return ofLinear(positions, inputs, rank) + ofLinear(positions, rank, out);
  }

  /** The rank of a layer at a rate, or null where the whole layer is worth it. */
  #rankAt({ name, values }: Offer, form: Form, rate: number): number | null {
    if (!values) return null;
    const rests = this.#rests.get(name) as Float64Array;
    let best = rate * this.#priceOf(name, { ...form, rank: null });
    let found: number | null = null;
    for (let rank = 1; rank <= values.length; rank++) {
      const price = rate * this.#priceOf(name, { ...form, rank });
      if (price >= best) break;
      const total = rests[rank] + price;
      if (total < best) [best, found] = [total, rank];
    }
    return found;
  }

  /** What the layers at a side cost, and picking its positions, if it keeps `width` of them. */
  #priceAt(side: Side, width: number, forms: ReadonlyMap<string, Form>): number {
    const { readers, writers, group = 1, outputs = 1 } = side;
    const made = writers.reduce(
      (sum, name) => sum + this.#priceOf(name, { ...(forms.get(name) as Form), out: outputs * width }),
      this.#priceBeside(side, width),
    );
    return readers.reduce(
      (sum, name) => sum + this.#priceOf(name, { ...(forms.get(name) as Form), inputs: group * width }),
      made,
    );
  }

  /** What a side of `width` positions costs beside its layers: picking them, and the products over them. */
  #priceBeside({ costs, writers, products }: Side, width: number): number {
    const gather = writers.length === 0 && width < costs.length ? this.prices.ofGather(width) : 0;
    return gather + (products ? this.prices.ofLinear(products.rows, width, products.size) : 0);
  }

  #widthAt(side: Side, forms: ReadonlyMap<string, Form>, rate: number): number {
    const losses = this.#losses.get(side.name) as Float64Array;
    let best = Number.POSITIVE_INFINITY;
    let found = side.costs.length;
    for (let width = side.costs.length; width >= 1 && losses[width] < best; width--) {
      const total = losses[width] + rate * this.#priceAt(side, width, forms);
      if (total < best) [best, found] = [total, width];
    }
    return found;
  }

  at(rate: number): Allocation {
    const forms = new Map(
      this.offers.map(({ name, inputs, out }): [string, Form] => [name, { inputs, out, rank: null }]),
    );
    const widths = new Map(this.sides.map(({ name, costs }) => [name, costs.length]));
    for (let round = 0; round < rounds; round++) {
      for (const offer of this.offers) {
        const form = forms.get(offer.name) as Form;
        form.rank = this.#rankAt(offer, form, rate);
      }
      const next = this.sides.map((side) => this.#widthAt(side, forms, rate));
      if (next.every((width, i) => width === widths.get(this.sides[i].name))) break;
      this.sides.forEach(({ name, readers, writers, group = 1, outputs = 1 }, i) => {
        widths.set(name, next[i]);
        for (const reader of readers) (forms.get(reader) as Form).inputs = group * next[i];
        for (const writer of writers) (forms.get(writer) as Form).out = outputs * next[i];
      });
    }
    return { ranks: ranksOf(forms), widths, price: this.#total(forms, widths) };
  }

  #total(forms: ReadonlyMap<string, Form>, widths: ReadonlyMap<string, number>): number {
    const beside = this.sides.reduce((sum, side) => sum + this.#priceBeside(side, widths.get(side.name) as number), 0);
    return [...forms].reduce((sum, [name, form]) => sum + this.#priceOf(name, form), beside);
  }

  /** A rate of the size at which things are given up. */
  scale(): number {
    const lost = [...this.#rests.values(), ...this.#losses.values()].reduce((sum, rests) => sum + rests[0], 0);
    return Math.max(lost, Number.MIN_VALUE) / this.at(0).price;
  }
}

function ranksOf(forms: ReadonlyMap<string, Form>): ReadonlyMap<string, number> {
  return new Map([...forms].flatMap(([name, { rank }]) => (rank === null ? [] : [[name, rank] as const])));
}

/** Sums of the elements from each position on; length n + 1. */
function sumsBehind(values: Float64Array): Float64Array {
  const sums = new Float64Array(values.length + 1);
  for (let i = values.length - 1; i >= 0; i--) sums[i] = sums[i + 1] + Math.max(0, values[i]);
  return sums;
}

/**
 * Ranks and widths whose price is at most `budget`, as true as greedy choice makes them.
 * @param budget  for all offers together
 * @param prices  of layers; multiply-adds of one row by default
 * @returns null when even the cheapest form of everything costs more
 */
export function allocate(
  offers: readonly Offer[],
  sides: readonly Side[],
  budget: number,
  prices: LayerPrices = workOfLayers,
): Allocation | null {
  const market = new Market(offers, sides, prices);
  const scale = market.scale();
  let [low, high] = [Math.log(scale * lowest), Math.log(scale * highest)];
  if (!(market.at(Math.exp(high)).price <= budget)) return null;
  for (let step = 0; step < steps; step++) {
    const middle = (low + high) / 2;
    if (market.at(Math.exp(middle)).price <= budget) high = middle;
    else low = middle;
  }
  return filled(market.at(Math.exp(high)), offers, sides, prices.freeOutputs);
}

/** With what comes for nothing: ranks and hidden units up to the next multiple. */
function filled(
  { ranks, widths, price }: Allocation,
  offers: readonly Offer[],
  sides: readonly Side[],
  multiple: number,
): Allocation {
  const up = (size: number, most: number) => Math.min(most, Math.ceil(size / multiple) * multiple);
  const mostRanks = new Map(offers.map(({ name, values }) => [name, values?.length ?? 0]));
  const mostUnits = new Map(sides.map(({ name, writers, costs }) => [name, writers.length === 0 ? 0 : costs.length]));
  const raised = (sizes: ReadonlyMap<string, number>, most: ReadonlyMap<string, number>) =>
    new Map([...sizes].map(([name, size]) => [name, Math.max(size, up(size, most.get(name) as number))]));
  return { ranks: raised(ranks, mostRanks), widths: raised(widths, mostUnits), price };
}
