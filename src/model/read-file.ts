/** Reads a file that the user named: a plain file, a pipe or a device, up to a limit. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { KerfError } from '../runtime/errors.js';

export function fileTooLarge(where: string, got: number, limit: number): KerfError {
  return new KerfError('FILE_LIMIT', where, `too large: got ${got} bytes, expected <= ${limit}.`, { got, limit });
}

/**
 * @param where  what error sentences speak of
 * @throws IO_FAILED when it cannot be opened or is a folder; FILE_LIMIT when it holds more than `maxBytes`
 */
export function readFile(path: string, maxBytes: number, where: string): Uint8Array<ArrayBuffer> {
  let handle: number;
  try {
    handle = openSync(path, 'r');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new KerfError('IO_FAILED', where, `cannot be opened: got ${code}. Check the path.`, { code }, { cause });
  }
  try {
    const stat = fstatSync(handle);
    if (stat.isDirectory()) throw new KerfError('IO_FAILED', where, 'is a folder, expected a file.');
    if (stat.size > maxBytes) throw fileTooLarge(where, stat.size, maxBytes);
    return readHandle(handle, stat.isFile() ? stat.size : 0, maxBytes, where);
  } finally {
    closeSync(handle);
  }
}

/** Reads to the end. Pipes tell no size, and files may grow: the buffer doubles, up to one byte more than the limit. */
function readHandle(handle: number, sizeBytes: number, maxBytes: number, where: string): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(Math.max(sizeBytes, 4095) + 1);
  for (let done = 0; ; ) {
    if (done > maxBytes) throw fileTooLarge(where, done, maxBytes);
    if (done === bytes.length) {
      const grown = new Uint8Array(Math.min(2 * done, maxBytes + 1));
      grown.set(bytes);
      bytes = grown;
    }
    const read = readSync(handle, bytes, done, Math.min(bytes.length - done, 2 ** 30), null);
    if (read === 0) return bytes.subarray(0, done);
    done += read;
  }
}
