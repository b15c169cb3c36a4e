/** What is measured of a net: how far its answers move, and how least squares repairs them. */
import { asSamples } from '../../build/src/annealing/context.js';
import { momentsOf, refitSparse } from '../../build/src/annealing/least-squares.js';
import { widen } from '../../build/src/annealing/matrix.js';
import { linearsOf, withAffine } from '../../build/src/annealing/rewrite.js';
import { createEvaluate } from '../../build/src/evaluate-graph.js';
import { analyzePaper, jaccard } from '../../build/src/evidence/index.js';

export const init = 'torch-linear';
export const controls = ['alpha', 'bh', 'bonferroni'];
const evaluate = createEvaluate();

/** Logits [n, classes] of a graph. */
export async function logitsOf(graph, x) {
  const outputs = await evaluate(graph, { x });
  return outputs.logits;
}

/** Share of right answers; a document of the topics-heads nets is answered by its own domain's head. */
export function accuracy({ data, dims }, { kind }, { labels, domains }) {
  const width = dims[1];
  const isHeads = kind === 'topics-heads';
  let right = 0;
  for (const [row, label] of labels.entries()) {
    const first = isHeads ? domains[row] * 4 : 0;
    const last = isHeads ? first + 4 : width;
    let best = first;
    for (let j = first; j < last; j++) if (data[row * width + j] > data[row * width + best]) best = j;
    right += Number(best === label);
  }
  return right / labels.length;
}

/** ||a - b|| / ||b||. */
export function relativeError(a, b) {
  let error = 0;
  let size = 0;
  for (let i = 0; i < b.size; i++) {
    error += (a.data[i] - b.data[i]) ** 2;
    size += b.data[i] ** 2;
  }
  return Math.sqrt(error / size);
}

/** How a changed net stands to the original on the test inputs. */
export async function compare(net, data, changed) {
  const [original, other] = [await logitsOf(net.graph, data.test), await logitsOf(changed, data.test)];
  const points = 100 * (accuracy(other, net, data) - accuracy(original, net, data));
  return { points, rel: relativeError(other, original) };
}

/** Refits the weights that are left, layer after layer, to the original's pre-activations; zeros stay zeros. */
export async function refit({ graph: original }, annealed, calibration) {
  let graph = annealed;
  for (const { name } of linearsOf(annealed)) {
    const linear = linearsOf(graph).find((layer) => layer.name === name);
    const y = (await evaluate(original, { x: calibration }, [linear.output]))[linear.output];
    const isInput = linear.input === 'x';
    const x = isInput ? calibration : (await evaluate(graph, { x: calibration }, [linear.input]))[linear.input];
    const samples = asSamples(x);
    const start = widen(...linear.weight.dims, linear.weight.data);
    graph = withAffine(graph, linear, refitSparse(start, momentsOf(samples), samples, asSamples(y)));
  }
  return graph;
}

/** Edges that training changed, and edges that a test supports, weight by weight. */
export async function changedAndSupported({ graph, initial }, control) {
  const [changed, supported] = [
    await analyzePaper(graph, { init: initial, sequences: false }),
    await analyzePaper(graph, { init, control, sequences: false }),
  ];
  return changed.families.map((family, i) => {
    const [truth, found] = [family.adjacency, supported.families[i].adjacency];
    const index = jaccard(truth, found);
    const common = Math.round((index / (1 + index)) * (truth.edges + found.edges));
    return { name: family.name, changed: truth.edges, found: found.edges, common, total: truth.rows * truth.columns };
  });
}

/** Median |w - w0| over the standard deviation of the initialisation, one layer. */
export function medianMove({ graph, initial }, tensor) {
  const [after, before] = [graph.initializers.get(tensor).data, initial.get(tensor).data];
  const moves = Float32Array.from(after, (w, i) => Math.abs(w - before[i])).sort();
  const fanIn = graph.initializers.get(tensor).dims[1];
  return moves[moves.length >> 1] * Math.sqrt(3 * fanIn);
}
