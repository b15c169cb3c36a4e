/** NumPy's .npz files: a zip of .npy files, one an array, named after it. */
import { type UnzipFileInfo, unzipSync, zipSync } from 'fflate';
import { KerfError } from '../../runtime/errors.js';
import type { Tensor } from '../../runtime/tensor.js';
import { quote } from '../quote.js';
import { type DataLimits, invalidData, overLimit } from './limits.js';
import { decodeNpy, encodeNpy } from './npy.js';

/** A zip writes the time of a file; one fixed time makes equal arrays give equal bytes. */
const fixedTime = new Date(1980, 0, 1);

export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);
}

/** Checks each entry of the zip's directory before anything is inflated. */
class EntryCheck {
  readonly names = new Set<string>();
  #inflatedBytes = 0;

  constructor(
    readonly where: string,
    readonly budgetBytes: number,
    readonly limits: DataLimits,
  ) {}

  accept({ name, originalSize, compression }: UnzipFileInfo): boolean {
    if (this.names.has(name) || name === '__proto__') {
      throw invalidData(this.where, `the entry ${quote(name)} comes twice or has a reserved name.`);
    }
    this.names.add(name);
    if (this.names.size > this.limits.maxZipEntries) {
      throw overLimit(this.where, 'number of zip entries', this.names.size, this.limits.maxZipEntries);
    }
    if (!name.endsWith('.npy')) throw invalidData(this.where, `entry ${quote(name)}: expected arrays as .npy only.`);
    if (compression !== 0 && compression !== 8) {
      throw invalidData(
        this.where,
        `entry ${quote(name)}: got compression ${compression}, expected stored or deflate.`,
      );
    }
    this.#inflatedBytes += originalSize;
    if (!(this.#inflatedBytes <= this.budgetBytes)) {
      throw overLimit(this.where, 'inflated size in bytes', this.#inflatedBytes, this.budgetBytes);
    }
    return true;
  }
}

/**
 * Reads all arrays of an npz file.
 * @throws DATA_INVALID when it is no zip of npy files; FILE_LIMIT when it has too many entries or inflates too far
 */
export function decodeNpz(bytes: Uint8Array, where: string, limits: DataLimits): Map<string, Tensor> {
  const check = new EntryCheck(where, Math.min(bytes.length * limits.maxInflation, limits.maxFileBytes), limits);
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(bytes, { filter: (entry) => check.accept(entry) });
  } catch (cause) {
    if (cause instanceof KerfError) throw cause;
    throw new KerfError('DATA_INVALID', where, 'not a valid zip file. It is truncated or damaged.', {}, { cause });
  }
  const arrays = new Map<string, Tensor>();
  for (const entry of check.names) {
    const name = entry.slice(0, -'.npy'.length);
    arrays.set(name, decodeNpy(files[entry], `${where}, array ${quote(name)}`, limits));
  }
  return arrays;
}

/** Arrays as an npz file, stored without compression; the same arrays give the same bytes. */
export function encodeNpz(arrays: ReadonlyMap<string, Tensor>): Uint8Array {
  const files: Record<string, Uint8Array> = Object.create(null);
  for (const [name, tensor] of arrays) files[`${name}.npy`] = encodeNpy(tensor);
  return zipSync(files, { level: 0, mtime: fixedTime });
}
