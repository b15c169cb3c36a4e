/**
 * Ranks across layers under one budget of work: a direction is kept where what it carries, per multiply-add, is above one
 * price for all layers.
 */

/** What a layer offers: its directions, and what they and the whole layer cost. */
export interface Offer {
  /** Layer name. */
  readonly name: string;
  /** What leaving a direction out adds to the error, descending; the same unit in all layers. */
  readonly values: Float64Array;
  /** Multiply-adds of one direction. */
  readonly costPerRank: number;
  /** Multiply-adds of the layer as it is. */
  readonly whole: number;
}

/** Halvings of the price's logarithm: enough to tell any two directions apart. */
const steps = 60;

/** The cheapest form of a layer at a price per multiply-add: a rank, or null for the layer as it is. */
function rankAt({ values, costPerRank, whole }: Offer, price: number): number | null {
  let rank = 0;
  while (rank < values.length && values[rank] > price * costPerRank) rank++;
  rank = Math.max(1, rank);
  const rest = values.subarray(rank).reduce((sum, value) => sum + Math.max(0, value), 0);
  return rest + price * costPerRank * rank < price * whole ? rank : null;
}

const workAt = (offers: readonly Offer[], price: number): number =>
  offers.reduce((sum, offer) => {
    const rank = rankAt(offer, price);
    return sum + (rank === null ? offer.whole : rank * offer.costPerRank);
  }, 0);

/**
 * Ranks whose work is at most `budget`, as true as greedy choice makes them; layers that stay whole are left out.
 * @param budget  multiply-adds of all offers together
 * @returns null when even rank 1 everywhere costs more
 */
export function allocateRanks(offers: readonly Offer[], budget: number): Map<string, number> | null {
  const largest = Math.max(...offers.map(({ values, costPerRank }) => values[0] / costPerRank));
  let [low, high] = [Math.log(largest * 1e-14), Math.log(largest) + 1];
  if (!(workAt(offers, Math.exp(high)) <= budget)) return null;
  for (let step = 0; step < steps; step++) {
    const middle = (low + high) / 2;
    if (workAt(offers, Math.exp(middle)) <= budget) high = middle;
    else low = middle;
  }
  const ranks = offers.map((offer) => [offer.name, rankAt(offer, Math.exp(high))] as const);
  return new Map(ranks.filter((entry): entry is readonly [string, number] => entry[1] !== null));
}
