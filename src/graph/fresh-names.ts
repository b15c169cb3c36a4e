/** Names for what rewriting adds to a graph. */
import type { Graph } from './graph.js';

export class FreshNames {
  readonly #taken: Set<string>;

  constructor({ nodes, inputs, initializers }: Graph) {
    this.#taken = new Set([...initializers.keys(), ...inputs.map(({ name }) => name)]);
    for (const node of nodes) for (const name of [node.name, ...node.outputs]) this.#taken.add(name);
  }

  /** `wanted`, or it and a number: a name that neither the graph nor an earlier call has. */
  take(wanted: string): string {
    let name = wanted;
    for (let n = 1; this.#taken.has(name); n++) name = `${wanted}:${n}`;
    this.#taken.add(name);
    return name;
  }
}
