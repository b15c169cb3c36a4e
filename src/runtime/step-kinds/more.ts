/** The steps of the other families of operators, which `kerf/runtime` loads when a package has one. */
import type { StepKind } from '../step-kind.js';
import { attention } from './attention.js';
import { binary, cast, fill, select } from './elementwise.js';
import { embeddingBag, gather } from './gather.js';
import { gemmInt8, requantize } from './int8.js';
import { pack } from './pack.js';
import { gru, lstm } from './recurrent.js';
import { reduce } from './reduce.js';
import { conv, pool } from './windows.js';

export const moreStepKinds: readonly (readonly [string, StepKind])[] = [
  ['pack', pack],
  ['binary', binary],
  ['reduce', reduce],
  ['gather', gather],
  ['embedding-bag', embeddingBag],
  ['cast', cast],
  ['fill', fill],
  ['conv', conv],
  ['pool', pool],
  ['lstm', lstm],
  ['gru', gru],
  ['gemm-int8', gemmInt8],
  ['requantize', requantize],
  ['attention', attention],
  ['select', select],
];
