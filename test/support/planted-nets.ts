/** Trained nets of the planted cases, stored by test/golden/planted/make.py. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Graph, Node } from '../../src/graph/graph.js';
import { halfToNumber } from '../../src/graph/operators/half.js';
import { defaultDataLimits } from '../../src/model/data/limits.js';
import { decodeNpz } from '../../src/model/data/npz.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { makeGraph, node } from './networks.js';
import { root } from './run-script.js';

export interface PlantedNet {
  /** x -> fc1 -> relu -> fc2 -> relu -> fc3 -> y. */
  readonly graph: Graph;
  /** Weights and biases before training, by name; empty where the case does not compare with them. */
  readonly initial: ReadonlyMap<string, Tensor>;
}

function widened({ type, data, dims }: Tensor): Tensor {
  const values =
    type === 'float16' ? Float32Array.from(data as Uint16Array, halfToNumber) : (data as Float32Array<ArrayBuffer>);
  return new Tensor('float32', values, dims);
}

export function plantedNet(name: string): PlantedNet {
  const bytes = new Uint8Array(readFileSync(join(root, 'test/golden/planted', `${name}.npz`)));
  const tensors = new Map([...decodeNpz(bytes, name, defaultDataLimits)].map(([key, array]) => [key, widened(array)]));
  const of = (prefix: string) =>
    [...tensors]
      .filter(([key]) => key.startsWith('init/') === (prefix !== ''))
      .map(([key, tensor]) => [key.slice(prefix.length), tensor] as const);
  const initializers = Object.fromEntries(of(''));
  const layers = Object.keys(initializers)
    .filter((key) => key.endsWith('.weight'))
    .sort();
  const nodes = layers.flatMap((weight, i): Node[] => {
    const [layer, isLast] = [weight.slice(0, -'.weight'.length), i === layers.length - 1];
    const linear = node(
      layer,
      'Linear',
      [i === 0 ? 'x' : `a${i}`, weight, `${layer}.bias`],
      isLast ? 'y' : `h${i + 1}`,
      'kerf',
    );
    return isLast ? [linear] : [linear, node(`relu${i + 1}`, 'Relu', [`h${i + 1}`], `a${i + 1}`)];
  });
  const graph = makeGraph({ x: 784 }, nodes, initializers);
  const outputs = graph.outputs.map((output) => ({ ...output, shape: [[[1, 'batch']], 10] as const }));
  return { graph: { ...graph, outputs }, initial: new Map(of('init/')) };
}
