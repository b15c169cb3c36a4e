/** Builds graphs for tests in a few words. */
import type { Attribute, Graph, Node, Port } from '../../src/graph/graph.js';
import type { Extent } from '../../src/runtime/extent.js';
import { type DType, Tensor } from '../../src/runtime/tensor.js';

/** A port; a text among the dims is a symbol. */
export function port(name: string, dims: readonly (number | string)[], dtype: DType = 'float32'): Port {
  const shape = dims.map((dim): Extent => (typeof dim === 'string' ? [[1, dim]] : dim));
  return { name, dtype, shape };
}

/** A node whose name is that of its first output; `kerf.Linear` and `com.microsoft.Gelu` name a domain. */
export function node(
  op: string,
  inputs: readonly string[],
  outputs: string | readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
): Node {
  const dot = op.lastIndexOf('.');
  const [domain, name] = [op.slice(0, Math.max(dot, 0)), op.slice(dot + 1)];
  const list = typeof outputs === 'string' ? [outputs] : outputs;
  return { name: list[0], op: name, domain, inputs, outputs: list, attributes: new Map(Object.entries(attributes)) };
}

export interface GraphParts {
  readonly inputs: readonly Port[];
  readonly outputs: readonly string[];
  readonly nodes: readonly Node[];
  readonly constants?: Readonly<Record<string, Tensor>>;
  readonly opset?: number;
}

export function graphOf({ inputs, outputs, nodes, constants = {}, opset = 17 }: GraphParts): Graph {
  return {
    name: 'test',
    opset,
    inputs,
    outputs: outputs.map((name) => ({ name, dtype: 'float32', shape: [], undeclared: true })),
    nodes,
    initializers: new Map(Object.entries(constants)),
    quantization: new Map(),
  };
}

/** A float32 tensor with elements 0.5, -1.25, ... that are exact and all different. */
export function ramp(...dims: readonly number[]): Tensor<'float32'> {
  const size = dims.reduce((product, dim) => product * dim, 1);
  return new Tensor(
    'float32',
    Float32Array.from({ length: size }, (_, i) => (i % 2 ? -1 : 1) * (0.5 + i * 0.75)),
    dims,
  );
}

export function int64(...values: readonly number[]): Tensor<'int64'> {
  return new Tensor('int64', BigInt64Array.from(values, BigInt), [values.length]);
}
