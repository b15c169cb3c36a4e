/** The files that a command writes, beside those it reads: none may overwrite another. */
import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { checkOutputPath } from '../model/output-file.js';
import { usageError } from './options.js';

/** Paths by the word of the command line that names them; undefined where none is given. */
type Paths = Readonly<Record<string, string | undefined>>;

/** What is the same for two names of one file, through links too; of a file that is not there yet, its path. */
function identify(path: string): string {
  if (path === '-') return path;
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat ? `${stat.dev}:${stat.ino}` : join(realpathSync(dirname(path)), basename(path));
}

/**
 * Refuses output paths early, before the work whose results they shall hold.
 * @param inputs  words that name no file, as --init auto, do not count
 * @throws USAGE when an output is another one, or is an input; IO_FAILED as {@link checkOutputPath}
 */
export function checkOutputPaths(outputs: Paths, inputs: Paths): void {
  const known = new Map<string, string>();
  for (const [name, path] of Object.entries(inputs)) {
    if (path !== undefined && path !== '-' && statSync(path, { throwIfNoEntry: false }))
      known.set(identify(path), name);
  }
  for (const [name, path] of Object.entries(outputs)) {
    if (path === undefined) continue;
    checkOutputPath(path);
    const other = known.get(identify(path));
    if (other)
      throw usageError(name, `is the same file as ${other}: got "${path}", expected another. Name a new file.`);
    known.set(identify(path), name);
  }
}
