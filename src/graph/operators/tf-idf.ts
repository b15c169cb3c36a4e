/** TfIdfVectorizer over whole numbers: how often each n-gram of a list occurs; a reference step. */
import type { Tensor } from '../../runtime/tensor.js';
import type { Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { integerOf, integersOf, nodeError, requireInput, textOf } from './attributes.js';
import { define, lastOpset } from './define.js';
import { fillNumbers, toNumbers } from './elements.js';

interface Vocabulary {
  /** Column of each n-gram, by its words joined. */
  readonly columns: ReadonlyMap<string, number>;
  readonly weights: readonly number[];
  readonly size: number;
}

/** The n-grams: those of length n stand in the pool from starts[n - 1] on. */
function vocabularyOf(node: Node): Vocabulary {
  const pool = integersOf(node, 'pool_int64s');
  const [starts, indexes] = [integersOf(node, 'ngram_counts'), integersOf(node, 'ngram_indexes')];
  if (!pool || !starts || !indexes) {
    throw nodeError('MODEL_INVALID', node, 'pool: got none, expected pool_int64s, ngram_counts and ngram_indexes.');
  }
  const columns = new Map<string, number>();
  let next = 0;
  starts.forEach((start, index) => {
    const end = starts[index + 1] ?? pool.length;
    for (let at = start; at + index < end; at += index + 1) {
      columns.set(pool.slice(at, at + index + 1).join(), indexes[next++]);
    }
  });
  const weights = node.attributes.get('weights');
  const list = indexes.map((_, i) => (Array.isArray(weights) ? Number(weights[i]) : 1));
  const byColumn: number[] = [];
  indexes.forEach((column, i) => {
    byColumn[column] = list[i];
  });
  const size = Math.max(-1, ...indexes) + 1;
  if (size > 2 ** 24) throw nodeError('MODEL_LIMIT', node, `columns: got ${size}, expected at most ${2 ** 24}.`);
  return { columns, weights: byColumn, size };
}

function count(node: Node, x: Tensor): Tensor {
  const { columns, weights, size } = vocabularyOf(node);
  const [least, most] = [integerOf(node, 'min_gram_length', 1), integerOf(node, 'max_gram_length', 1)];
  const skips = integerOf(node, 'max_skip_count', 0);
  const mode = textOf(node, 'mode', 'TF');
  const rows = x.dims.length === 2 ? x.dims[0] : 1;
  const length = x.size / Math.max(1, rows);
  const [values, counts] = [toNumbers(x), new Float64Array(rows * size)];
  for (let row = 0; row < rows; row++) {
    for (let n = least; n <= Math.min(most, length); n++) {
      // A single word has nothing to skip, and longer ones do not reach beyond the list.
      const furthest = n === 1 ? 0 : Math.min(skips, Math.floor((length - 1) / (n - 1)) - 1);
      for (let skip = 0; skip <= furthest; skip++) {
        for (let at = 0; at + (n - 1) * (skip + 1) < length; at++) {
          const words = Array.from({ length: n }, (_, k) => values[row * length + at + k * (skip + 1)]);
          const column = columns.get(words.join());
          if (column !== undefined) counts[row * size + column]++;
        }
      }
    }
  }
  const weigh = (i: number) => {
    const weight = weights[i % size] ?? 1;
    if (mode === 'TF') return counts[i];
    return mode === 'IDF' ? (counts[i] > 0 ? weight : 0) : counts[i] * weight;
  };
  return fillNumbers('float32', x.dims.length === 2 ? [rows, size] : [size], weigh);
}

export const tfIdfOperators: readonly Operator[] = define([[9, lastOpset, ['int32', 'int64']]], {
  name: 'TfIdfVectorizer',
  infer: (node, inputs) => {
    const { shape } = requireInput(node, inputs, 0);
    const { size } = vocabularyOf(node);
    return [{ dtype: 'float32', shape: shape.length === 2 ? [shape[0], size] : [size] }];
  },
  evaluate: (node, inputs) => [count(node, requireInput(node, inputs, 0))],
  rowIndependent: (_, inputs) => inputs[0]?.shape.length === 2,
});
