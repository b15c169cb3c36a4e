/** Weights of recurrent cells: which framework made them, and whether training moved them. */
import assert from 'node:assert/strict';
import { analyze } from '../../../src/evidence/index.js';
import type { Graph } from '../../../src/graph/index.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createRandom } from '../../oracle/random.js';
import { graphOf, node, port } from '../../support/graph.js';

const seed = Number(process.env['KERF_TEST_SEED'] ?? 1);
const [inputs, units] = [40, 48];
const rows = 4 * units;
const random = createRandom(seed);

const drawn = (bound: number, ...dims: number[]) => {
  const size = dims.reduce((product, dim) => product * dim, 1);
  const data = Float32Array.from({ length: size }, () => bound * (2 * random.uniform() - 1));
  return new Tensor('float32', data, dims);
};

/** Columns that are orthogonal to each other and of length 1, by Gram and Schmidt. */
function orthogonal(): Tensor<'float32'> {
  const columns: Float64Array[] = [];
  while (columns.length < units) {
    const column = Float64Array.from({ length: rows }, () => random.normal());
    for (const other of columns) {
      const along = column.reduce((sum, value, i) => sum + value * other[i], 0);
      other.forEach((value, i) => {
        column[i] -= along * value;
      });
    }
    const length = Math.hypot(...column);
    columns.push(column.map((value) => value / length));
  }
  const data = Float32Array.from({ length: rows * units }, (_, i) => columns[i % units][Math.floor(i / units)]);
  return new Tensor('float32', data, [1, rows, units]);
}

function network(W: Tensor, R: Tensor, B: Tensor): Graph {
  return graphOf({
    inputs: [port('x', [6, 'n', inputs])],
    outputs: ['y'],
    nodes: [node('LSTM', ['x', 'W', 'R', 'B'], 'y', { hidden_size: units })],
    constants: { W, R, B },
  });
}

describe(`weights of recurrent cells (seed ${seed})`, () => {
  const bound = 1 / Math.sqrt(units);
  const torch = [drawn(bound, 1, rows, inputs), drawn(bound, 1, rows, units), drawn(bound, 1, 2 * rows)] as const;
  const lawsOf = async (graph: Graph, init?: string) => {
    const { tensors } = await analyze(graph, init ? { init } : {});
    return tensors.map(({ name, law, lawSource, verdict }) => [name, law, lawSource, verdict]);
  };

  it('are found fresh from torch, given the law and without it', async () => {
    for (const [init, source] of [
      ['torch-rnn', 'given'],
      [undefined, 'inferred'],
    ] as const) {
      assert.deepEqual(
        await lawsOf(network(...torch), init),
        ['W', 'R', 'B'].map((name) => [name, 'torch-rnn', source, 'initialisation']),
      );
    }
  });

  it('are found fresh from Keras, which makes each of them by another law', async () => {
    const glorot = Math.sqrt(6 / (inputs + rows));
    const zeros = new Tensor('float32', new Float32Array(2 * rows), [1, 2 * rows]);
    const found = await lawsOf(network(drawn(glorot, 1, rows, inputs), orthogonal(), zeros));
    assert.deepEqual(
      found.map(([name, law]) => [name, law]),
      [
        ['W', 'glorot-uniform'],
        ['R', 'orthogonal'],
        ['B', 'zeros'],
      ],
    );
    assert.deepEqual([found[0][3], found[2][3]], ['initialisation', 'initialisation']);
  });

  it('are found moved where training moved them, one without the other', async () => {
    const [W, R, B] = torch;
    const moved = new Tensor(
      'float32',
      R.data.map((value) => value + 0.1 * random.normal()),
      R.dims,
    );
    const found = await lawsOf(network(W, moved, B));
    assert.deepEqual(
      found.map(([, , , verdict]) => verdict === 'initialisation'),
      [true, false, true],
    );
  });
});
