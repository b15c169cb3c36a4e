/**
 * Plans for one run's inputs, where a graph's sizes cannot be expressed before they are known: every dimension bound
 * to its number, and those inputs whose values decide a shape (a Reshape's target, a Range's limits) made constants.
 * Where these are conditions alone, as in decoders that are told whether they have a past, a plan for each of their values
 * may serve all sizes.
 */
import { withAgreeingSizes } from '../graph/agreeing-sizes.js';
import { canonicalise } from '../graph/canonicalise.js';
import type { Graph, Node, Port } from '../graph/graph.js';
import { bodiesOf } from '../graph/resolved.js';
import { KerfError } from '../runtime/errors.js';
import type { Feeds } from '../runtime/executor.js';
import type { Plan } from '../runtime/plan.js';
import { takesSizes } from '../runtime/takes-sizes.js';
import { Tensor } from '../runtime/tensor.js';
import { buildPlan } from './build-plan.js';

/** Most elements of an input that is made a constant: sizes, axes and limits are short. */
const maximumElements = 4096;

export interface Specialised {
  /** Equal for runs that can share the plan. */
  readonly key: string;
  /** Inputs of the plan; the other inputs of the graph are constants in it. */
  readonly feeds: Feeds;
  /** Null where the caller has a plan under the key. */
  readonly plan: Plan | null;
}

/** Most conditions for whose values plans are kept. */
const maximumConditions = 4;

/** -0 is another input than 0. */
const exactly = (value: unknown) => (Object.is(value, -0) ? '-0' : String(value));

/** Names of the values that a node and the graphs in it read. */
function usesOf(node: Node): readonly string[] {
  return [...node.inputs, ...bodiesOf(node).flatMap(({ nodes }) => nodes.flatMap(usesOf))];
}

/** @throws SHAPE_UNSUPPORTED */
function requireShort(name: string, feeds: Feeds): void {
  const { size } = feeds[name];
  if (size <= maximumElements) return;
  const problem = `its values decide a shape: got ${size} elements, expected at most ${maximumElements}.`;
  throw new KerfError('SHAPE_UNSUPPORTED', `input "${name}"`, `${problem} Export the model with fixed sizes.`);
}

export class Specialiser {
  /** Inputs whose values decide a shape; found out when a plan needs them. */
  readonly #byValue = new Set<string>();
  #isExplored = false;
  /** Plans for all sizes by the values of conditions; null where there is none. */
  readonly #open = new Map<string, Plan | null>();

  constructor(readonly graph: Graph) {}

  /**
   * @param feeds  all inputs of the graph, checked
   * @param isKnown  whether the caller has a plan under a key
   * @throws what canonicalise and buildPlan throw; SHAPE_UNSUPPORTED where an input that decides a shape is long
   */
  specialise(feeds: Feeds, isKnown: (key: string) => boolean): Specialised {
    for (const name of this.#byValue) requireShort(name, feeds);
    // What decides shapes is found out by planning.
    const first = this.#isExplored ? null : this.#plan(feeds);
    this.#isExplored = true;
    const open = this.#openPlan(feeds);
    if (open && takesSizes(open, feeds)) {
      return { key: `any sizes, ${this.#valuesOf(feeds)}`, feeds: this.#restOf(feeds), plan: open };
    }
    const plan = isKnown(this.#key(feeds)) ? null : (first ?? this.#plan(feeds));
    return { key: this.#key(feeds), feeds: this.#restOf(feeds), plan };
  }

  /** The feeds that are inputs of the plan. */
  #restOf(feeds: Feeds): Feeds {
    return Object.fromEntries(Object.entries(feeds).filter(([name]) => !this.#byValue.has(name)));
  }

  #valuesOf(feeds: Feeds): string {
    return [...this.#byValue]
      .map((name) => `${name}=${Array.from(feeds[name].data as ArrayLike<unknown>, exactly)}`)
      .join();
  }

  #key(feeds: Feeds): string {
    return `${this.graph.inputs.map(({ name }) => feeds[name].dims).join(';')};${this.#valuesOf(feeds)}`;
  }

  /** The plan for all sizes where only conditions decide shapes, or null. */
  #openPlan(feeds: Feeds): Plan | null {
    const names = [...this.#byValue];
    const isFew = names.length > 0 && names.length <= maximumConditions;
    if (!isFew || !names.every((name) => feeds[name].type === 'bool' && feeds[name].size === 1)) return null;
    const values = this.#valuesOf(feeds);
    let plan = this.#open.get(values);
    if (plan === undefined) {
      plan = this.#tryOpen(feeds);
      this.#open.set(values, plan);
    }
    return plan;
  }

  #tryOpen(feeds: Feeds): Plan | null {
    try {
      const graph = this.#withValues(feeds, (port) => port);
      return withAgreeingSizes(graph, (agreeing) => buildPlan(canonicalise(agreeing))).made;
    } catch (error) {
      if (error instanceof KerfError && error.code === 'SHAPE_UNSUPPORTED') return null;
      throw error;
    }
  }

  /** Plans, and makes inputs constants until the plan stands. */
  #plan(feeds: Feeds): Plan {
    for (;;) {
      try {
        return this.#build(feeds);
      } catch (error) {
        if (!(error instanceof KerfError) || error.code !== 'SHAPE_UNSUPPORTED') throw error;
        if (!this.#addSources(error.details['value'], feeds)) throw error;
      }
    }
  }

  /** Marks the short inputs from which a value is computed; false when there is none to add. */
  #addSources(value: unknown, feeds: Feeds): boolean {
    const { nodes, inputs } = this.graph;
    const isOwn =
      inputs.some(({ name }) => name === value) || nodes.some(({ outputs }) => outputs.includes(`${value}`));
    // A value of an inlined body has a name that no node of the graph knows: then all that bodies read is taken for its source.
    const controls = isOwn ? [] : nodes.filter((node) => bodiesOf(node).length > 0);
    const wanted = new Set([value, ...controls.flatMap(usesOf)]);
    for (const node of [...nodes].reverse()) {
      if (node.outputs.some((output) => wanted.has(output))) for (const use of usesOf(node)) wanted.add(use);
    }
    const found = this.graph.inputs.filter(({ name }) => wanted.has(name) && !this.#byValue.has(name));
    const short = found.filter(({ name }) => feeds[name].size <= maximumElements);
    for (const { name } of short) this.#byValue.add(name);
    return short.length > 0;
  }

  #build(feeds: Feeds): Plan {
    return buildPlan(canonicalise(this.#withValues(feeds, (port) => ({ ...port, shape: feeds[port.name].dims }))));
  }

  /** The graph in which inputs that decide shapes are constants, and the others as `bind` has them. */
  #withValues(feeds: Feeds, bind: (port: Port) => Port): Graph {
    const initializers = new Map(this.graph.initializers);
    for (const name of this.#byValue) {
      const { type, data, dims } = feeds[name];
      initializers.set(name, new Tensor(type, data.slice(), dims));
    }
    const inputs = this.graph.inputs.filter(({ name }) => !this.#byValue.has(name)).map(bind);
    return { ...this.graph, inputs, initializers };
  }
}
