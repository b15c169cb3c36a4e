/** Damaged nodes of fused operators: whatever a file says of them, planning ends in a plan or in a coded error. */
import assert from 'node:assert/strict';
import { canonicalise } from '../../src/graph/canonicalise.js';
import type { Attribute, Graph, Node, Port } from '../../src/graph/graph.js';
import { buildPlan } from '../../src/plan/index.js';
import { KerfError } from '../../src/runtime/errors.js';
import { fusedCases } from '../support/fused-cases.js';
import { Random } from '../support/random.js';

const attributeNames = [
  ...['num_heads', 'axis', 'bits', 'K', 'N', 'block_size', 'qkv_hidden_sizes', 'rotary_embedding_dim', 'interleaved'],
  ...['unidirectional', 'activation', 'epsilon', 'scale', 'alpha', 'transA', 'transB', 'kernel_shape', 'group'],
];
const values: readonly Attribute[] = [
  0,
  -1,
  1,
  2,
  3,
  5,
  1e9,
  -(2 ** 31),
  2 ** 31,
  0.5,
  NaN,
  'x',
  [],
  [1, 2],
  [-1, 0.5],
];
const dtypes = ['float32', 'float64', 'float16', 'int64', 'int32', 'uint8', 'bool'] as const;

function damaged(graph: Graph, random: Random): Graph {
  const [node] = graph.nodes;
  const inputs = [...node.inputs];
  const attributes = new Map(node.attributes);
  const ports = [...graph.inputs];
  const damages: readonly (() => void)[] = [
    () => {
      inputs[random.integer(0, inputs.length - 1)] = random.pick(['', ...node.inputs]);
    },
    () => {
      inputs.length = random.integer(1, inputs.length);
    },
    () => {
      attributes.set(random.pick([...node.attributes.keys(), ...attributeNames]), random.pick(values));
    },
    () => {
      const at = random.integer(0, ports.length - 1);
      const { shape } = ports[at];
      const sizes: Port['shape'] = shape.map(() => random.pick([0, 1, 2, 3, 8, [[1, 'q']] as const]));
      ports[at] = { ...ports[at], shape: random.pick([[], [2, 5], shape.slice(1), [...shape, 2], sizes]) };
    },
    () => {
      const at = random.integer(0, ports.length - 1);
      ports[at] = { ...ports[at], dtype: random.pick(dtypes) };
    },
  ];
  for (let n = random.integer(1, 3); n > 0; n--) random.pick(damages)();
  const changed: Node = { ...node, inputs, attributes };
  return { ...graph, inputs: ports, nodes: [changed], opset: random.pick([graph.opset, 9, 11, 13, 18, 23]) };
}

describe('damaged fused operators', () => {
  it('make a plan or a coded error, 6,000 times', () => {
    const random = new Random(7);
    let plans = 0;
    for (let n = 0; n < 6000; n++) {
      const { name, graph } = fusedCases[n % fusedCases.length];
      const broken = damaged(graph, random);
      try {
        buildPlan(canonicalise(broken));
        plans++;
      } catch (error) {
        const { inputs, attributes } = broken.nodes[0];
        const what = `${name} with inputs ${inputs.join()} and ${JSON.stringify([...attributes])}`;
        assert.ok(error instanceof KerfError && error.code !== 'INTERNAL', `${what}: ${(error as Error).stack}`);
      }
    }
    assert.ok(plans > 600 && plans < 5400, `${plans} plans`);
  });
});
