/** Other names for the same function: hidden units of d-4d-d blocks reordered or rescaled. */
import { randomWords, shuffled } from '../../build/src/annealing/random.js';
import { findLayers } from '../../build/src/graph/index.js';
import { Tensor } from '../../build/src/index.js';

/** Pairs of layers d -> m d -> d. */
function blocksOf(graph) {
  const layers = findLayers(graph);
  return layers.flatMap((up) => {
    const down = layers.find(({ name }) => up.next.length === 1 && name === up.next[0]);
    return down && down.weight.dims[0] === up.weight.dims[1] ? [{ up, down }] : [];
  });
}

/** Rebuilds every block: hidden unit `to` is the old unit order[to], times `scale` on the way in; tells the orders. */
function rebuild(graph, orderOf, scale) {
  const initializers = new Map(graph.initializers);
  const orders = new Map();
  for (const { up, down } of blocksOf(graph)) {
    const [width, d] = up.weight.dims;
    const order = orderOf(width);
    orders.set(up.name, order);
    const [w1, b1, w2] = [up.weight.data, up.bias.data, down.weight.data].map((data) => new Float32Array(data.length));
    for (const [to, from] of order.entries()) {
      b1[to] = up.bias.data[from] * scale;
      for (let i = 0; i < d; i++) {
        w1[to * d + i] = up.weight.data[from * d + i] * scale;
        w2[i * width + to] = down.weight.data[i * width + from] / scale;
      }
    }
    initializers.set(up.tensor, new Tensor('float32', w1, up.weight.dims));
    initializers.set(up.biasTensor, new Tensor('float32', b1, up.bias.dims));
    initializers.set(down.tensor, new Tensor('float32', w2, down.weight.dims));
  }
  return { graph: { ...graph, initializers }, orders };
}

const inOrder = (width) => Array.from({ length: width }, (_, unit) => unit);

/** Hidden units in a random order. */
export function shuffleBlocks(graph, seed) {
  const next = randomWords(seed);
  return rebuild(graph, (width) => shuffled(inOrder(width), next), 1);
}

/** Hidden units scaled by a power of two, exactly. */
export function rescaleBlocks(graph, scale) {
  return rebuild(graph, inOrder, scale);
}
