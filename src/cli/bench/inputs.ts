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

function dimsOf({ shape }: InputSpec, { batch }: Load): number[] {
  return shape.map((dim, at) => (typeof dim === 'number' ? dim : at === 0 ? batch : defaultDim));
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

/** Rows `first .. first + batch` of a data array, starting again at its end. */
function rowsOf(tensor: Tensor, first: number, batch: number): Tensor {
  const [total, ...rest] = tensor.dims;
  const rowLength = elementCount(rest);
  const data = allocate(tensor.type, batch * rowLength);
  for (let row = 0; row < batch; row++) {
    const at = ((first + row) % total) * rowLength;
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
        const tensor = known ? rowsOf(known, turn * load.batch, load.batch) : randomTensor(spec, load, random);
        return [spec.name, tensor];
      }),
    ),
  );
}
