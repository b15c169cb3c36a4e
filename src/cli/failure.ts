import { plain } from '../report/plain.js';
import { KerfError } from '../runtime/errors.js';

/** Errno codes of the file system, and what they mean to a reader. */
const systemErrors = new Map([
  ['ENOENT', 'no such file or folder'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'operation not permitted'],
  ['EISDIR', 'is a folder, expected a file'],
  ['ENOTDIR', 'a part of the path is no folder'],
  ['ENOSPC', 'no space left on the disk'],
  ['EROFS', 'the file system is read-only'],
]);

/** A failed system call as a coded error; any other error unchanged. */
export function codedError(error: unknown): unknown {
  const { code, path } = (error ?? {}) as NodeJS.ErrnoException;
  if (error instanceof KerfError || typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) return error;
  const problem = systemErrors.get(code) ?? (error as Error).message;
  return new KerfError('IO_FAILED', path ?? 'file system', `${problem} (${code}).`, { code }, { cause: error });
}

/**
 * What to print on stderr for an error, and the exit code.
 * One sentence with its code; the stack only when asked for.
 */
export function describeFailure(error: unknown, verbose: boolean): { text: string; exitCode: number } {
  if ((error as NodeJS.ErrnoException)?.code === 'EPIPE') return { text: '', exitCode: 0 };
  const coded = codedError(error);
  const known = coded instanceof KerfError;
  const message = known ? `${coded.code}: ${coded.message}` : `INTERNAL: ${(coded as Error)?.message ?? String(coded)}`;
  const stack = verbose && coded instanceof Error ? `${coded.stack}\n` : '';
  return { text: `kerf: ${plain(message)}\n${stack}`, exitCode: known ? coded.exitCode : 1 };
}
