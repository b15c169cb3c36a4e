/** Reads files that a model names (external data, weight shards), and only those inside the model's own folder. */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, realpathSync, type Stats } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { KerfError } from '../runtime/errors.js';
import { quote } from './quote.js';

export class ModelFolder {
  readonly #folder: string;
  readonly #hash: Hash = createHash('sha256');
  #isRead = false;

  /**
   * @param folder  the folder of the model file
   * @param maxFileBytes  largest file that is opened
   */
  constructor(
    folder: string,
    readonly maxFileBytes: number,
  ) {
    this.#folder = realpathSync(resolve(folder));
  }

  /** SHA-256 over every byte that was read, in reading order; undefined when nothing was. */
  get digest(): Uint8Array | undefined {
    return this.#isRead ? this.#hash.copy().digest() : undefined;
  }

  /**
   * Reads bytes [offset, offset + length) of a file.
   * @param location  relative path as the model gives it, with `/` between folders
   * @param length  bytes to read; absent: to the end
   * @throws MODEL_INVALID when the path leaves the folder, is a link or no plain file, or the file is too short;
   *   FILE_LIMIT when the file is larger than the limit; IO_FAILED when it cannot be read
   */
  read(location: string, offset = 0, length?: number): Uint8Array<ArrayBuffer> {
    const where = `external file ${quote(location)}`;
    const path = this.#inside(location, where);
    const handle = this.#open(path, where);
    try {
      const size = this.#checkedSize(handle, path, where);
      const count = length ?? size - offset;
      if (count < 0 || offset + count > size) {
        throw invalid(where, `too short: got ${size} bytes, expected at least ${offset + Math.max(count, 0)}.`);
      }
      const bytes = new Uint8Array(count);
      for (let done = 0; done < count; ) {
        const read = readSync(handle, bytes, done, Math.min(count - done, 2 ** 30), offset + done);
        if (read === 0) throw invalid(where, 'ended while it was read.');
        done += read;
      }
      this.#hash.update(bytes);
      this.#isRead = true;
      return bytes;
    } finally {
      closeSync(handle);
    }
  }

  /** Absolute path of `location`, whose folders are real folders below the model's. */
  #inside(location: string, where: string): string {
    const parts = location.split('/');
    const bad = (part: string) => part === '' || part === '..' || /[\\:\0]/.test(part);
    if (parts.some(bad)) {
      throw invalid(where, "the path leaves the model's folder: expected a relative path without '..'.");
    }
    const path = join(this.#folder, ...parts);
    let parent: string;
    try {
      parent = realpathSync(dirname(path));
    } catch (cause) {
      throw new KerfError('IO_FAILED', where, 'cannot be opened. It belongs beside the model file.', {}, { cause });
    }
    if (parent !== dirname(path) || !(parent + sep).startsWith(this.#folder + sep)) {
      throw invalid(where, "a folder on the path is a link: expected plain folders inside the model's.");
    }
    return path;
  }

  #open(path: string, where: string): number {
    try {
      return openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ELOOP') throw invalid(where, 'is a link: expected a plain file.');
      throw new KerfError('IO_FAILED', where, 'cannot be opened. It belongs beside the model file.', {}, { cause });
    }
  }

  /** Checks the opened file itself, and that the path still leads to it without a link. */
  #checkedSize(handle: number, path: string, where: string): number {
    const opened = fstatSync(handle);
    const named: Stats = lstatSync(path);
    const same = opened.ino === named.ino && opened.dev === named.dev;
    if (!opened.isFile() || !same) throw invalid(where, 'is a link, folder or device: expected a plain file.');
    if (opened.size > this.maxFileBytes) {
      throw new KerfError(
        'FILE_LIMIT',
        where,
        `too large: got ${opened.size} bytes, expected <= ${this.maxFileBytes}.`,
        {
          got: opened.size,
          limit: this.maxFileBytes,
        },
      );
    }
    return opened.size;
  }
}

function invalid(where: string, problem: string): KerfError {
  return new KerfError('MODEL_INVALID', where, problem);
}
