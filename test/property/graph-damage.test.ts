/**
 * Damaged conformance models of ONNX: other inputs, attributes, shapes, dtypes and constants than an exporter would write.
 * Each is planned and run, or refused by a coded error; none traps, and none takes long.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalise } from '../../src/graph/canonicalise.js';
import type { Attribute, Graph, Node, Port } from '../../src/graph/graph.js';
import { readOnnx } from '../../src/model/index.js';
import { buildPlan, runReference } from '../../src/plan/index.js';
import { KerfError } from '../../src/runtime/errors.js';
import type { Feeds } from '../../src/runtime/executor.js';
import type { Extent } from '../../src/runtime/extent.js';
import { allocate, type DType, elementCount, Tensor } from '../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../src/runtime/wasm-executor.js';
import { Random } from '../support/random.js';

const folder = '/usr/share/libonnx-testdata/data/node';

const attributeNames = [
  ...['axis', 'axes', 'perm', 'to', 'alpha', 'group', 'kernel_shape', 'pads', 'strides', 'dilations', 'mode', 'size'],
  ...['hidden_size', 'direction', 'keepdims', 'equation', 'blocksize', 'k', 'num_outputs', 'batch_axis'],
];
const wholes = [0, -1, 1, 2, 3, 7, 1e9, -(2 ** 31), 2 ** 31];
const values: readonly Attribute[] = [
  ...wholes,
  0.5,
  NaN,
  'x',
  [],
  [1, 2],
  [-1, 0.5],
  [0, 0, 0, 0],
  [1, 1, 1, 1],
  [-1],
];
const dtypes: readonly DType[] = [
  'float32',
  'float64',
  'float16',
  'int64',
  'int32',
  'uint8',
  'int8',
  'bool',
  'bfloat16',
];
const numbers = [0, 1, -1, 0.5, 2, 100];

/** Elements that are numbers of a small choice. */
function filled(dtype: DType, dims: readonly number[], random: Random): Tensor {
  const data = allocate(dtype, elementCount(dims)) as Float32Array<ArrayBuffer>;
  for (let i = 0; i < data.length; i++) {
    const value = random.pick(numbers);
    data[i] = typeof data[i] === 'bigint' ? (BigInt(Math.trunc(value)) as never) : value;
  }
  return new Tensor(dtype, data, dims);
}

function damageNode(node: Node, random: Random): Node {
  const inputs = [...node.inputs];
  const attributes = new Map(node.attributes);
  const kind = random.integer(0, 2);
  if (kind === 0) inputs[random.integer(0, Math.max(0, inputs.length - 1))] = random.pick(['', ...node.inputs]);
  else if (kind === 1) inputs.length = random.integer(0, inputs.length);
  else attributes.set(random.pick([...attributes.keys(), ...attributeNames]), random.pick(values));
  return { ...node, inputs, attributes };
}

function damagePort(port: Port, random: Random): Port {
  if (random.next() < 0.3) return { ...port, dtype: random.pick(dtypes) };
  const { shape } = port;
  const sizes = shape.map((): Extent => random.pick([0, 1, 2, 3, 8, [[1, 'q']] as const]));
  return { ...port, shape: random.pick([[], [2, 5], shape.slice(1), [...shape, 2], sizes]) };
}

function damaged(graph: Graph, random: Random): Graph {
  const [nodes, inputs, initializers] = [[...graph.nodes], [...graph.inputs], new Map(graph.initializers)];
  let { opset } = graph;
  for (let n = random.integer(1, 2); n > 0; n--) {
    const at = random.integer(0, nodes.length - 1);
    const kind = random.next();
    if (kind < 0.6) nodes[at] = damageNode(nodes[at], random);
    else if (kind < 0.85 && inputs.length > 0) {
      const which = random.integer(0, inputs.length - 1);
      inputs[which] = damagePort(inputs[which], random);
    } else if (kind < 0.95 && initializers.size > 0) {
      const name = random.pick([...initializers.keys()]);
      const { type, dims } = initializers.get(name)!;
      initializers.set(name, filled(type, random.pick([dims, [...dims, 1], dims.slice(1)]), random));
    } else opset = random.pick([7, 9, 11, 13, 18, 21, 24]);
  }
  return { ...graph, nodes, inputs, initializers, opset };
}

function feedsFor(graph: Graph, random: Random): Feeds {
  const sizes = new Map<string, number>();
  const sizeOf = (extent: Extent): number => {
    if (typeof extent === 'number') return extent;
    const key = JSON.stringify(extent);
    if (!sizes.has(key)) sizes.set(key, random.pick([0, 1, 2, 3]));
    return sizes.get(key)!;
  };
  return Object.fromEntries(
    graph.inputs.map(({ name, dtype, shape }) => [name, filled(dtype, shape.map(sizeOf), random)]),
  );
}

describe('damaged conformance models', () => {
  if (!existsSync(folder)) {
    it.skip('the data are not installed; get them with: sudo apt-get install libonnx-testdata');
    return;
  }

  it('are planned and run, or refused by a coded error, 5,000 times', () => {
    const files = readdirSync(folder).map((name) => join(folder, name, 'model.onnx'));
    const random = new Random(3);
    let [runs, refused] = [0, 0];
    while (runs + refused < 5000) {
      const file = random.pick(files);
      const bytes = readFileSync(file);
      if (bytes.length > 100_000) continue;
      try {
        const graph = canonicalise(damaged(readOnnx(bytes).graph, random));
        const feeds = feedsFor(graph, random);
        createWasmExecutor(buildPlan(graph), { runReference, memoryBytes: 2 ** 28 }).runSync(feeds, {});
        runs++;
      } catch (error) {
        const isCoded = error instanceof KerfError && error.code !== 'INTERNAL' && error.code !== 'KERNEL_TRAP';
        assert.ok(isCoded, `${file}: ${(error as Error).stack}`);
        refused++;
      }
    }
    assert.ok(runs > 1000 && refused > 1000, `${runs} runs, ${refused} refused`);
  });
});
