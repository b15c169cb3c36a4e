import { statSync } from 'node:fs';
import { extname } from 'node:path';
import type { Checkpoint } from '../evidence/index.js';
import { loadModel, readArrays } from '../model/index.js';

/**
 * The meaning of `--init`: a law by name, or a file with the initial weights under the tensors' names.
 * @throws what reading the file throws; an unknown law is refused by the analysis
 */
export async function readInit(word: string): Promise<string | Checkpoint> {
  if (!statSync(word, { throwIfNoEntry: false })?.isFile()) return word;
  if (['.npy', '.json'].includes(extname(word).toLowerCase()) && !word.endsWith('model.json')) {
    return readArrays(word);
  }
  return (await loadModel(word)).graph.initializers;
}
