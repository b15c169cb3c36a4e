/** Values of a tensor into the workspace, from memory or straight from their file. */
import { readSync } from 'node:fs';
import { KerfError } from '../runtime/errors.js';
import type { TensorData } from '../runtime/tensor.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';
import type { StoredValues, TensorInput } from './tensor-input.js';

/** Most bytes of one system call. */
const mostBytes = 2 ** 30;

function readElements(name: string, { handle, at }: StoredValues, first: number, target: TensorData<'float32'>): void {
  const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  for (let done = 0; done < bytes.length; ) {
    const read = readSync(handle, bytes, done, Math.min(bytes.length - done, mostBytes), at + 4 * first + done);
    if (read === 0) {
      throw new KerfError(
        'IO_FAILED',
        `tensor "${name}"`,
        'its file ended while it was read. Is it still being written?',
      );
    }
    done += read;
  }
}

/**
 * Fills a block with elements, from number `first` on.
 * @throws IO_FAILED when the file has become shorter
 */
export function loadValues(input: TensorInput, block: Block<'float32'>, first = 0): void {
  // Values may be made anew in the workspace, which makes views of it void: they come before the view.
  const values = input.stored ? null : input.values.subarray(first, first + block.length);
  const target = analysisKernels().workspace.view(block);
  if (input.stored) readElements(input.name, input.stored, first, target);
  else if (values) target.set(values);
}
