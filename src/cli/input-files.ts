/** Input files of commands: a path, or `-` for stdin. */
import { readFileSync } from 'node:fs';
import type { Model } from '../graph/graph.js';
import { loadModel } from '../model/load.js';

/** All bytes of stdin. */
export function readStdin(): Uint8Array {
  return readFileSync(0);
}

/** The model in a file, or on stdin. */
export function readModel(path: string): Promise<Model> {
  return loadModel(pathOrStdin(path));
}

/** A path for a reader of files; the bytes of stdin for `-`. */
export function pathOrStdin(path: string): string | Uint8Array {
  return path === '-' ? readStdin() : path;
}
