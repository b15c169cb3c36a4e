/**
 * Weights of a tfjs model. The shards of a group, end to end, hold its weights one after the other:
 *
 *     | shard 1      | shard 2 | ...
 *     | w0 | w1   | w2     | ...      dtype of a weight: its own, or that of its quantisation
 */
import type { Quantization } from '../graph/graph.js';
import { KerfError } from '../runtime/errors.js';
import { type DType, elementBytes, elementCount, isDType, Tensor, viewOf } from '../runtime/tensor.js';
import { checkedDims } from './dimensions.js';
import { arrayMember, member, numberMember, stringMember } from './json.js';
import type { ModelLimits } from './limits.js';
import type { ModelFolder } from './model-folder.js';
import { quote } from './quote.js';
import { duplicateName } from './scope.js';

export interface TfjsWeights {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly strings: ReadonlyMap<string, readonly string[]>;
  readonly quantization: ReadonlyMap<string, Quantization>;
}

/** A run of bytes that is used up from the front. */
class ByteRun {
  #at = 0;

  constructor(
    readonly bytes: Uint8Array<ArrayBuffer>,
    readonly where: string,
  ) {}

  get left(): number {
    return this.bytes.length - this.#at;
  }

  take(count: number, where: string): Uint8Array<ArrayBuffer> {
    if (count > this.left) {
      throw new KerfError(
        'MODEL_INVALID',
        where,
        `the shards are too short: got ${this.left} bytes, expected ${count}.`,
        {
          got: this.left,
          expected: count,
        },
      );
    }
    this.#at += count;
    return this.bytes.slice(this.#at - count, this.#at);
  }
}

class WeightReader {
  readonly tensors = new Map<string, Tensor>();
  readonly strings = new Map<string, readonly string[]>();
  readonly quantization = new Map<string, Quantization>();

  constructor(readonly limits: ModelLimits) {}

  read(entry: unknown, run: ByteRun): void {
    const name = stringMember(entry, 'name', 'weight');
    const where = `weight ${quote(name)}`;
    if (this.tensors.has(name) || this.strings.has(name)) throw duplicateName('weights', name);
    const shape = arrayMember(entry, 'shape', where);
    const dims = checkedDims(shape.map(Number), where, this.limits);
    const dtype = stringMember(entry, 'dtype', where);
    if (dtype === 'string') this.strings.set(name, this.#texts(elementCount(dims), run, where));
    else if (!isDType(dtype)) throw unsupported(where, dtype);
    else if (member(entry, 'quantization') === undefined) this.tensors.set(name, plain(dtype, dims, run, where));
    else this.#quantised(name, member(entry, 'quantization'), dtype, dims, run, where);
  }

  /** weight = minimum + step * stored integer, rounded once to float32. */
  #quantised(name: string, rule: unknown, dtype: DType, dims: number[], run: ByteRun, where: string): void {
    const stored = stringMember(rule, 'dtype', where);
    if (dtype !== 'float32') throw unsupported(where, `${dtype} quantised`);
    if (stored !== 'uint8' && stored !== 'uint16') throw unsupported(where, `float32 quantised as ${stored}`);
    const step = numberMember(rule, 'scale', where);
    const minimum = numberMember(rule, 'min', where);
    const integers = plain(stored, dims, run, where).data as Uint8Array | Uint16Array;
    const data = Float32Array.from(integers, (integer) => integer * step + minimum);
    this.tensors.set(name, new Tensor('float32', data, dims));
    this.quantization.set(name, { step, minimum });
  }

  /** Strings as `| length uint32 | bytes |`, one after the other. */
  #texts(count: number, run: ByteRun, where: string): string[] {
    const texts: string[] = [];
    for (let i = 0; i < count; i++) {
      const length = new DataView(run.take(4, where).buffer).getUint32(0, true);
      if (length > this.limits.maxStringBytes) {
        throw new KerfError('MODEL_LIMIT', where, `a string is too long: got ${length} bytes.`, { got: length });
      }
      texts.push(new TextDecoder().decode(run.take(length, where)));
    }
    return texts;
  }
}

function plain(dtype: DType, dims: number[], run: ByteRun, where: string): Tensor {
  const count = elementCount(dims);
  const bytes = run.take(count * elementBytes(dtype), where);
  return new Tensor(dtype, viewOf(dtype, bytes.buffer, 0, count), dims);
}

function unsupported(where: string, dtype: string): KerfError {
  return new KerfError('DTYPE_UNSUPPORTED', where, `weights of this type are not supported: got ${quote(dtype)}.`);
}

function joined(shards: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  if (shards.length === 1) return shards[0];
  const bytes = new Uint8Array(shards.reduce((sum, shard) => sum + shard.length, 0));
  let at = 0;
  for (const shard of shards) {
    bytes.set(shard, at);
    at += shard.length;
  }
  return bytes;
}

/**
 * Reads the weights that a manifest lists.
 * @param manifest  `weightsManifest` of model.json
 * @param folder  where the shards are
 * @throws FILE_FORMAT, MODEL_INVALID when manifest and shards do not fit; DTYPE_UNSUPPORTED; MODEL_LIMIT; FILE_LIMIT
 */
export function readTfjsWeights(manifest: readonly unknown[], folder: ModelFolder, limits: ModelLimits): TfjsWeights {
  const reader = new WeightReader(limits);
  for (const group of manifest) {
    const paths = arrayMember(group, 'paths', 'weightsManifest').map(String);
    const shards = paths.map((path) => folder.read(path));
    const run = new ByteRun(joined(shards), paths.join(', '));
    for (const entry of arrayMember(group, 'weights', 'weightsManifest')) reader.read(entry, run);
    if (run.left > 0) {
      throw new KerfError(
        'MODEL_INVALID',
        `shards ${quote(run.where)}`,
        `${run.left} bytes too long for their weights.`,
        {
          left: run.left,
        },
      );
    }
  }
  return reader;
}
