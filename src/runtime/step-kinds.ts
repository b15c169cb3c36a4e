/**
 * The step table: every kind of step that the step loop (assembly/steps.ts) can run, by name.
 * `reference` steps are not in it: they run in the tool, never on a tape.
 */
import type { StepKind } from './step-kind.js';
import { binary, cast, fill, unary } from './step-kinds/elementwise.js';
import { gemmInt8, matMulInteger } from './step-kinds/int8.js';
import { gemm, pack } from './step-kinds/linear.js';
import { copy, embeddingBag, gather, gatherColumns } from './step-kinds/move.js';
import { gru, lstm } from './step-kinds/recurrent.js';
import { reduce, softmax } from './step-kinds/reduce.js';
import { conv, pool } from './step-kinds/windows.js';

export const stepKinds: ReadonlyMap<string, StepKind> = new Map([
  ['gemm', gemm],
  ['pack', pack],
  ['unary', unary],
  ['binary', binary],
  ['reduce', reduce],
  ['softmax', softmax],
  ['copy', copy],
  ['gather-columns', gatherColumns],
  ['gather', gather],
  ['embedding-bag', embeddingBag],
  ['cast', cast],
  ['fill', fill],
  ['conv', conv],
  ['pool', pool],
  ['lstm', lstm],
  ['gru', gru],
  ['gemm-int8', gemmInt8],
  ['matmul-integer', matMulInteger],
]);
