import type { Feeds } from '../../runtime/executor.js';
import { allocate, type DType, elementCount, Tensor } from '../../runtime/tensor.js';
import type { InputSpec, Load } from './protocol.js';

/** Inputs prepared before timing; calls take them in turn, so that no call sees the input of the one before. */
const inputsInTurn = 8;

/** A small generator (Weyl sequence through a mixer), so that every contender gets the same numbers. */
function* uniformNumbers(seed: number): Generator<number, never> {
  for (let state = seed >>> 0; ; ) {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    yield ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  }
}

/** Default size of a symbolic dimension that is not the batch. */
const defaultDim = 64;

/** What stands first in some input is the batch, wherever it stands. */
function dimsOf({ shape }: InputSpec, { batch, inputs }: Load): number[] {
  const isBatch = (dim: string) => inputs.some((input) => input.shape[0] === dim);
  return shape.map((dim) => (typeof dim === 'number' ? dim : isBatch(dim) ? batch : defaultDim));
}

function randomTensor(spec: InputSpec, load: Load, random: Iterator<number, never>): Tensor {
  const dims = dimsOf(spec, load);
  const dtype = spec.dtype as DType;
  const data = allocate(dtype, elementCount(dims));
  const isBig = dtype === 'int64' || dtype === 'uint64';
  for (let i = 0; i < data.length; i++) {
    const value = random.next().value;
    data[i] = isBig ? BigInt(Math.round(value)) : dtype.startsWith('float') ? value : Math.round(value);
  }
  return new Tensor(dtype, data, dims);
}

/** The rows of one call, from turn to turn others, starting again at the end; as many as the input's first axis has. */
function rowsOf(tensor: Tensor, { shape }: InputSpec, turn: number, load: Load): Tensor {
  if (shape.length === 0) return tensor;
  const batch = typeof shape[0] === 'number' ? shape[0] : load.batch;
  const [total, ...rest] = tensor.dims;
  const rowLength = elementCount(rest);
  const data = allocate(tensor.type, batch * rowLength);
  for (let row = 0; row < batch; row++) {
    const at = ((turn * batch + row) % total) * rowLength;
    data.set(tensor.data.subarray(at, at + rowLength) as never, row * rowLength);
  }
  return new Tensor(tensor.type, data, [batch, ...rest]);
}

/**
 * The inputs of all calls.
 * @param data  the arrays of the data file by input name, or null for uniform numbers in [0, 1)
 */
export function makeInputs(load: Load, data: Feeds | null): Feeds[] {
  const random = uniformNumbers(load.seed);
  return Array.from({ length: inputsInTurn }, (_, turn) =>
    Object.fromEntries(
      load.inputs.map((spec) => {
        const known = data?.[spec.name];
        const tensor = known ? rowsOf(known, spec, turn, load) : randomTensor(spec, load, random);
        return [spec.name, tensor];
      }),
    ),
  );
}
