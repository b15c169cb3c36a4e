/** Which tensor of the file a constant came from, and under which name its new form is stored. */
import type { Tensor } from '../runtime/tensor.js';
import type { Graph, Quantization } from './graph.js';

/** Operators that give the same elements another shape or order. */
const movers = new Set(['Identity', 'Transpose', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten']);

/** For each value that is a constant of the file, moved: the name of that constant. Constant nodes name their output. */
export function traceOrigins(graph: Graph): ReadonlyMap<string, string> {
  const origins = new Map([...graph.initializers.keys()].map((name) => [name, name]));
  for (const { domain, op, inputs, outputs } of graph.nodes) {
    if (domain !== '') continue;
    if (op === 'Constant') origins.set(outputs[0], outputs[0]);
    const origin = movers.has(op) ? origins.get(inputs[0]) : undefined;
    if (origin !== undefined) origins.set(outputs[0], origin);
  }
  return origins;
}

interface Pending {
  readonly origin: string;
  readonly tensor: Tensor;
}

/**
 * Collects rewritten weights under provisional names; {@link WeightNames.settle} gives each the file's name where no
 * other reader still needs that name for another form of the tensor.
 */
export class WeightNames {
  readonly #pending = new Map<string, Pending>();

  constructor(readonly origins: ReadonlyMap<string, string>) {}

  /** Provisional name of `tensor`, which is a form of value `source`; one name for one form. */
  add(source: string, form: string, tensor: () => Tensor): string {
    const provisional = `\u0000${form}\u0000${source}`;
    if (!this.#pending.has(provisional)) {
      this.#pending.set(provisional, { origin: this.origins.get(source) ?? source, tensor: tensor() });
    }
    return provisional;
  }

  /** The value that a provisional name stands for. */
  get(provisional: string): Tensor | undefined {
    return this.#pending.get(provisional)?.tensor;
  }

  /** A graph in which provisional names are final ones, with their tensors and quantization. */
  settle(graph: Graph, quantization: ReadonlyMap<string, Quantization>): Graph {
    const initializers = new Map(graph.initializers);
    const carried = new Map(graph.quantization);
    const produced = new Set(graph.nodes.flatMap((node) => node.outputs));
    const finalName = new Map<string, string>();
    const used = new Set(graph.nodes.flatMap((node) => node.inputs));
    for (const [provisional, { origin, tensor }] of this.#pending) {
      if (!used.has(provisional)) continue;
      let name = origin;
      for (let n = 1; produced.has(name) || isTaken(initializers.get(name), tensor); n++) name = `${origin}:${n}`;
      initializers.set(name, tensor);
      finalName.set(provisional, name);
      const rounding = quantization.get(origin);
      if (rounding) carried.set(name, rounding);
    }
    const nodes = graph.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map((value) => finalName.get(value) ?? value),
    }));
    return { ...graph, nodes, initializers, quantization: carried };
  }
}

function isTaken(present: Tensor | undefined, tensor: Tensor): boolean {
  if (!present || present === tensor) return false;
  return present.data !== tensor.data || present.dims.join() !== tensor.dims.join();
}
