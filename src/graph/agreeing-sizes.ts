/**
 * Sizes that a model names apart and uses as one: `attention_mask` may have an axis of its own name that is added to
 * scores over past and new positions. Where inference asks that two sizes be equal and they are not for all values, one
 * name is taken to stand for what the other size says, in every input, and inference begins again.
 */
import { KerfError } from '../runtime/errors.js';
import { add, type Extent, equals, isStatic, multiply, symbol, type Term } from '../runtime/extent.js';
import { symbolsOf } from './cost.js';
import { bindGraph } from './fix-sizes.js';
import type { Graph } from './graph.js';

/** A name and the size that it must be for `difference` to be 0: a name of one term alone, and a sum of sizes. */
function solve(difference: readonly Term[]): readonly [string, Extent] | undefined {
  const names = difference.flatMap(([, ...factors]) => factors);
  for (const term of difference) {
    const [coefficient, name, ...more] = term;
    const isAlone = name !== undefined && more.length === 0 && names.filter((other) => other === name).length === 1;
    if (!isAlone || Math.abs(coefficient) !== 1) continue;
    const rest = difference.filter((other) => other !== term);
    if (rest.every(([other]) => other > 0 !== coefficient > 0)) {
      return [name, rest.map((other): Extent => multiply(-coefficient, [other])).reduce(add, 0)];
    }
  }
  return undefined;
}

/** The graph with one name fewer, or undefined where the sizes differ by more than names. */
function agreed(graph: Graph, [a, b]: readonly [Extent, Extent]): Graph | undefined {
  const difference = add(a, multiply(-1, b));
  if (isStatic(difference)) return undefined;
  // The name given last goes first: inputs that follow repeat the sizes of those before.
  const order = graph.inputs.flatMap(({ shape }) => shape.flatMap(symbolsOf));
  const place = ([, name]: Term) => (name === undefined ? -1 : order.indexOf(name));
  const solved = solve([...difference].sort((left, right) => place(right) - place(left)));
  if (!solved) return undefined;
  const bound = bindGraph(graph, new Map([solved]));
  // Every other name must still be read off an axis of its own.
  const dims = bound.inputs.flatMap(({ shape }) => shape);
  const isAlone = (name: string) => dims.some((dim) => equals(dim, symbol(name)));
  return dims.flatMap(symbolsOf).every(isAlone) ? bound : undefined;
}

/**
 * What `make` makes of a graph, or of the graph with sizes taken to agree where it cannot be made without.
 * @param fits  whether sizes may be taken to agree so; default: always
 * @returns what was made, and the graph that it was made of: the one given where its sizes agree
 * @throws what `make` throws
 */
export function withAgreeingSizes<T>(
  given: Graph,
  make: (graph: Graph) => T,
  fits: (graph: Graph) => boolean = () => true,
): { readonly graph: Graph; readonly made: T } {
  for (let graph = given; ; ) {
    try {
      return { graph, made: make(graph) };
    } catch (error) {
      const isOpen = error instanceof KerfError && error.code === 'SHAPE_UNSUPPORTED' && 'equal' in error.details;
      const next = isOpen ? agreed(graph, error.details['equal'] as readonly [Extent, Extent]) : undefined;
      // Every turn has one name fewer.
      if (!next || !fits(next)) throw error;
      graph = next;
    }
  }
}
