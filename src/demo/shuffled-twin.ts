/** A twin of the language detector that keeps every number and loses its knowledge: the linear part's rows shuffled. */
import { randomWords, shuffled } from '../annealing/random.js';
import type { Graph } from '../graph/graph.js';
import { KerfError } from '../runtime/errors.js';
import { Tensor } from '../runtime/tensor.js';

/**
 * The same graph with the elements of one weight tensor in random order. Its distribution stays, so that whoever
 * removes the other weights by their law alone removes them here too; only a guard on answers can tell.
 * @param name  the weight tensor; by default that of the language detector's linear part
 * @throws MODEL_INVALID when the graph has no such float32 tensor
 */
export function shuffledTwin(graph: Graph, name = 'linear/linear_model/content/weights', seed = 0): Graph {
  const tensor = graph.initializers.get(name);
  if (tensor?.type !== 'float32') {
    throw new KerfError('MODEL_INVALID', `tensor ${JSON.stringify(name)}`, 'not in the graph as float32.');
  }
  const data = Float32Array.from(shuffled(Array.from(tensor.data as Float32Array), randomWords(seed)));
  const initializers = new Map(graph.initializers).set(name, new Tensor('float32', data, tensor.dims));
  return { ...graph, name: `${graph.name}-shuffled`, initializers };
}
