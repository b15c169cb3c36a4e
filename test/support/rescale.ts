/** The same function under other names and scales of its hidden units. */
import type { Layer } from '../../src/graph/layers.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { createRandom } from '../oracle/random.js';
import { shuffledLabels } from './networks.js';

export interface Rescaled {
  readonly layers: Layer[];
  /** For each rescaled layer: which unit stands at each place now. */
  readonly orders: ReadonlyMap<string, readonly number[]>;
}

const copyOf = ({ data, dims }: Tensor<'float32'>) => new Tensor('float32', data.slice(), dims);

/**
 * Permutes the hidden units whose scale is free, multiplies each by a factor 2^U(-spread, spread) on its way in, and
 * divides it out of the columns that read it.
 */
export function rescaleHidden(layers: readonly Layer[], seed: number, spread = 3): Rescaled {
  const random = createRandom(seed);
  const changed = layers.map((layer) => ({
    ...layer,
    weight: copyOf(layer.weight),
    bias: layer.bias && copyOf(layer.bias),
  }));
  const orders = new Map<string, readonly number[]>();
  for (const { name, weight, bias, next, isRescalable } of changed) {
    if (!isRescalable) continue;
    const [units, columns] = weight.dims;
    const order = shuffledLabels(random, units, units);
    const factors = order.map(() => 2 ** (spread * (2 * random.uniform() - 1)));
    orders.set(name, order);
    const [rows, offsets] = [weight.data.slice(), bias?.data.slice()];
    order.forEach((from, to) => {
      for (let j = 0; j < columns; j++) weight.data[to * columns + j] = rows[from * columns + j] * factors[to];
      if (offsets) bias!.data[to] = offsets[from] * factors[to];
    });
    for (const { weight: reader } of changed.filter((layer) => next.includes(layer.name))) {
      const old = reader.data.slice();
      for (let k = 0; k < reader.dims[0]; k++) {
        order.forEach((from, to) => {
          reader.data[k * units + to] = old[k * units + from] / factors[to];
        });
      }
    }
  }
  return { layers: changed, orders };
}
