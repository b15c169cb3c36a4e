/** The language detector's formula in float64: softmax(linear(ids) + dense(relu(dense(relu(dense(mean of rows)))))). */
import type { Graph } from '../../../src/graph/graph.js';

type Vector = readonly number[];

/** x W + b, W [in, out]. */
function dense(x: Vector, graph: Graph, layer: string): number[] {
  const weights = graph.initializers.get(`dnn/${layer}/kernel`)!.data as Float32Array;
  const bias = graph.initializers.get(`dnn/${layer}/bias`)!.data as Float32Array;
  return Array.from(bias, (b, j) => x.reduce<number>((sum, xi, i) => sum + xi * weights[i * bias.length + j], b));
}

/** Sum of the table's rows at `ids`, table [V, D]. */
function sumRows(ids: Int32Array, graph: Graph, name: string): number[] {
  const { data, dims } = graph.initializers.get(name)!;
  const sums = Array<number>(dims[1]).fill(0);
  for (const id of ids) for (let d = 0; d < dims[1]; d++) sums[d] += (data as Float32Array)[id * dims[1] + d];
  return sums;
}

/** @returns 54 probabilities of one text's ids */
export function detectorProbabilities(graph: Graph, ids: Int32Array): number[] {
  const relu = (values: number[]) => values.map((value) => Math.max(value, 0));
  const table = 'dnn/input_from_feature_columns/input_layer/content_embedding/embedding_weights';
  const mean = sumRows(ids, graph, table).map((sum) => sum / ids.length);
  const deep = dense(relu(dense(relu(dense(mean, graph, 'hiddenlayer_0')), graph, 'hiddenlayer_1')), graph, 'logits');
  const bias = graph.initializers.get('linear/linear_model/bias_weights')!.data as Float32Array;
  const wide = sumRows(ids, graph, 'linear/linear_model/content/weights').map((sum, i) => sum + bias[i]);
  const powers = deep.map((value, i) => Math.exp(value + wide[i] - Math.max(...deep.map((d, k) => d + wide[k]))));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}
