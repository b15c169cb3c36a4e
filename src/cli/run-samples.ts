import type { Feeds, Outputs, RunOptions } from '../runtime/executor.js';
import type { Session } from '../runtime/session.js';
import { allocate, elementCount, Tensor } from '../runtime/tensor.js';

/** Sample `index` of an array, with a first axis of 1. */
function sampleOf({ type, data, dims }: Tensor, index: number): Tensor {
  const length = elementCount(dims.slice(1));
  return new Tensor(type, data.slice(index * length, (index + 1) * length) as never, [1, ...dims.slice(1)]);
}

function concatenate(tensors: readonly Tensor[]): Tensor {
  const { type, dims } = tensors[0];
  const data = allocate(
    type,
    tensors.reduce((sum, { size }) => sum + size, 0),
  );
  let at = 0;
  for (const tensor of tensors) {
    data.set(tensor.data as never, at);
    at += tensor.size;
  }
  return new Tensor(type, data, [tensors.length * dims[0], ...dims.slice(1)]);
}

/** The number of samples, when a network of fixed batch 1 is given more of them; else null. */
function samplesBeyondOne({ inputs }: Session, feeds: Feeds): number | null {
  const counts = new Set(inputs.map(({ name }) => feeds[name]?.dims[0]));
  const [count] = counts;
  const isFixed = inputs.every(({ shape }) => shape[0] === 1);
  return isFixed && counts.size === 1 && count !== undefined && count > 1 ? count : null;
}

/** Runs a session on samples along the first axis; a network whose first axis is fixed at 1 runs them one by one. */
export async function runSamples(session: Session, feeds: Feeds, options: RunOptions = {}): Promise<Outputs> {
  const count = samplesBeyondOne(session, feeds);
  if (count === null) return session.run(feeds, options);
  const results: Outputs[] = [];
  for (let i = 0; i < count; i++) {
    const sample = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, sampleOf(tensor, i)]));
    results.push(await session.run(sample, options));
  }
  return Object.fromEntries(Object.keys(results[0]).map((name) => [name, concatenate(results.map((r) => r[name]))]));
}
