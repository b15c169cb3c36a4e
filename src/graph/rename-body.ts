/** Nodes under other names, and a subgraph as nodes of the graph around it. */
import type { Tensor } from '../runtime/tensor.js';
import type { Attribute, Graph, Node } from './graph.js';

export interface Body {
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Tensor>;
  /** Names of the results. */
  readonly results: readonly string[];
}

/** A graph among attributes, in which values of the graphs around it have new names. */
function renamedAttribute(value: Attribute, names: ReadonlyMap<string, string>): Attribute {
  if (typeof value !== 'object' || !('nodes' in value)) return value;
  const own = new Set([
    ...value.inputs.map(({ name }) => name),
    ...value.initializers.keys(),
    ...value.nodes.flatMap((node) => node.outputs),
  ]);
  const visible = new Map([...names].filter(([name]) => !own.has(name)));
  const rename = (name: string) => visible.get(name) ?? name;
  return {
    ...value,
    nodes: value.nodes.map((node) => renamedNode(node, rename, (output) => output, visible)),
    outputs: value.outputs.map((port) => ({ ...port, name: rename(port.name) })),
  };
}

/**
 * A node with other names of what it reads and makes.
 * @param names  those of values that its graphs may read, unless they have values of that name
 */
export function renamedNode(
  node: Node,
  input: (name: string) => string,
  output: (name: string) => string,
  names: ReadonlyMap<string, string>,
): Node {
  const attributes = new Map([...node.attributes].map(([key, value]) => [key, renamedAttribute(value, names)]));
  return { ...node, inputs: node.inputs.map(input), outputs: node.outputs.map(output), attributes };
}

/**
 * @param inputs  values that stand for the body's inputs
 * @param fresh  makes a name that is not taken
 * @returns the body with every value of its own under a fresh name; values of the graphs around it keep theirs
 */
export function renamedBody(body: Graph, inputs: readonly string[], fresh: (name: string) => string): Body {
  const names = new Map<string, string>([['', '']]);
  body.inputs.forEach(({ name }, i) => {
    names.set(name, inputs[i]);
  });
  const constants = new Map<string, Tensor>();
  for (const [name, tensor] of body.initializers) {
    const own = fresh(name);
    names.set(name, own);
    constants.set(own, tensor);
  }
  for (const name of body.nodes.flatMap((node) => node.outputs)) if (name) names.set(name, fresh(name));
  const rename = (name: string) => names.get(name) ?? name;
  const nodes = body.nodes.map((node) => ({ ...renamedNode(node, rename, rename, names), name: fresh(node.name) }));
  return { nodes, constants, results: body.outputs.map(({ name }) => rename(name)) };
}
