/** The worker's side of {@link analyzeTensors}: one tensor a task. */
import { KerfError } from '../runtime/errors.js';
import { analyzeTensor, type Null, type TensorOptions, type TensorOutcome } from './analyze-tensor.js';
import type { TensorInput } from './tensor-input.js';

/** Plain data, so that it can be posted; the values' buffer is the task's own. */
export interface TensorTask {
  readonly input: TensorInput;
  readonly given: Null;
  readonly options: TensorOptions;
}

/** An outcome, or the parts of the coded error: posting keeps only an error's sentence. */
export type TensorReply =
  | TensorOutcome
  | { readonly failure: Pick<KerfError, 'code' | 'where' | 'message' | 'details'> };

/** Piscina's task. */
export default function testTensorTask({ input, given, options }: TensorTask): TensorReply {
  try {
    return analyzeTensor(input, given, options);
  } catch (error) {
    if (!(error instanceof KerfError)) throw error;
    const { code, where, message, details } = error;
    return { failure: { code, where, message, details } };
  }
}
