/** Checks feeds against the inputs of a network, and learns the symbolic dimensions from them. */
import { KerfError } from './errors.js';
import type { Feeds } from './executor.js';
import { type Bindings, evaluate, formatExtent } from './extent.js';
import type { PlanPort } from './plan.js';
import { elementCount, Tensor } from './tensor.js';

/** The name of a dimension that is one symbol. */
function symbolOf(dim: PlanPort['shape'][number]): string | undefined {
  return typeof dim !== 'number' && dim.length === 1 && dim[0].length === 2 && dim[0][0] === 1 ? dim[0][1] : undefined;
}

/**
 * The values of the symbolic dimensions, read from the shapes of the feeds.
 * @param feeds  checked by {@link checkFeeds}
 */
export function bindingsOf(inputs: readonly PlanPort[], feeds: Feeds): Bindings {
  const bindings = new Map<string, number>();
  for (const { name, shape } of inputs) {
    const { dims } = feeds[name];
    for (let d = 0; d < shape.length; d++) {
      const symbol = symbolOf(shape[d]);
      if (symbol !== undefined) bindings.set(symbol, dims[d]);
    }
  }
  return bindings;
}

/**
 * Checks that `feeds` are exactly the inputs.
 * @throws INPUT_MISSING, INPUT_UNKNOWN, DTYPE_MISMATCH, SHAPE_MISMATCH naming the input
 */
export function checkFeeds(inputs: readonly PlanPort[], feeds: Feeds): void {
  const known = () => inputs.map(({ name }) => name).join(', ');
  for (const port of inputs) {
    if (!feeds || !Object.hasOwn(feeds, port.name) || feeds[port.name] === undefined) {
      throw new KerfError(
        'INPUT_MISSING',
        `input "${port.name}"`,
        `it was not fed: got ${Object.keys(feeds ?? {}).join(', ') || 'nothing'}, expected ${known()}. Add a tensor of that name.`,
      );
    }
    checkTensor(port, feeds[port.name]);
  }
  for (const name of Object.keys(feeds ?? {})) {
    if (inputs.some((port) => port.name === name)) continue;
    throw new KerfError(
      'INPUT_UNKNOWN',
      `input "${name}"`,
      `no such input: expected ${known()}. Remove it or rename it.`,
    );
  }
  checkShapes(inputs, feeds);
}

function checkTensor(port: PlanPort, feed: Tensor): void {
  const where = `input "${port.name}"`;
  if (feed?.type !== port.dtype) {
    throw new KerfError(
      'DTYPE_MISMATCH',
      where,
      `wrong dtype: got ${feed?.type}, expected ${port.dtype}. Convert the data first.`,
      { got: feed?.type, expected: port.dtype },
    );
  }
  // Tensors of another copy of this class, or of onnxruntime, are as good as ours once they pass its checks; and the
  // caller may have changed dims or taken the data away since ours did.
  new Tensor((feed as Tensor).type, (feed as Tensor).data, (feed as Tensor).dims);
  if (feed.dims.length !== port.shape.length) throw shapeMismatch(port, feed, 'rank differs');
}

export function checkShapes(inputs: readonly PlanPort[], feeds: Feeds): void {
  const bindings = bindingsOf(inputs, feeds);
  for (const port of inputs) {
    const feed = feeds[port.name];
    port.shape.forEach((dim, d) => {
      if (evaluate(dim, bindings) === feed.dims[d]) return;
      const symbol = symbolOf(dim);
      const bound = symbol === undefined ? '' : ` with ${symbol} = ${bindings.get(symbol)}`;
      throw shapeMismatch(port, feed, `dimension ${d} differs`, bound);
    });
  }
}

function shapeMismatch(port: PlanPort, feed: Tensor, problem: string, bound = ''): KerfError {
  const expected = `[${port.shape.map(formatExtent).join(', ')}]`;
  return new KerfError(
    'SHAPE_MISMATCH',
    `input "${port.name}"`,
    `${problem}: got [${feed.dims.join(', ')}], expected ${expected}${bound}. Reshape the data.`,
    { got: feed.dims, expected },
  );
}

/**
 * Checks names of wanted outputs.
 * @throws OUTPUT_UNKNOWN
 */
export function checkOutputs(outputs: readonly PlanPort[], names: readonly string[] | undefined): void {
  for (const name of names ?? []) {
    if (outputs.some((port) => port.name === name)) continue;
    const known = outputs.map((port) => port.name).join(', ');
    throw new KerfError('OUTPUT_UNKNOWN', `output "${name}"`, `no such output: expected one of ${known}. Rename it.`);
  }
}

/** Remembers the shapes of the feeds of one run, since the next often has the same. Asking allocates nothing. */
export class FeedShapes {
  #shapes: readonly (readonly number[])[] | null = null;

  constructor(readonly inputs: readonly PlanPort[]) {}

  /** Whether `feeds` are tensors of the remembered shapes and of the inputs' dtypes, one for each input. */
  has(feeds: Feeds): boolean {
    if (!this.#shapes || !feeds) return false;
    for (let i = 0; i < this.inputs.length; i++) {
      const { name, dtype } = this.inputs[i];
      const feed = feeds[name];
      if (!(feed instanceof Tensor) || feed.type !== dtype || !isSame(feed.dims, this.#shapes[i])) return false;
      if (feed.data.length !== elementCount(feed.dims)) return false;
    }
    let count = 0;
    for (const _ in feeds) count++;
    return count === this.inputs.length;
  }

  /** @param feeds  checked by {@link checkFeeds} */
  remember(feeds: Feeds): void {
    this.#shapes = this.inputs.map(({ name }) => [...feeds[name].dims]);
  }
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let d = 0; d < a.length; d++) if (a[d] !== b[d]) return false;
  return true;
}
