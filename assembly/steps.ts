/**
 * The step loop: a whole plan, or a part of it, in one call. The host writes a tape of i32 words, one record a step:
 *
 *     | opcode | wordCount | words of the step ... | opcode | wordCount | ...        wordCount includes the first two
 *
 * The words of each opcode stand in src/runtime/step-kinds/: byte addresses first, then sizes; reals as float32 bits.
 */

import { runAttention, runConv, runGru, runLstm, runPool } from './layer-steps';
import { i8_gemm } from './linear/int8';
import { byteAt } from './linear/int8-rows';
import { f32_pack_linear } from './linear/pack';
import { i32_requantize } from './linear/requantize';
import { runLinearStep } from './linear-steps';
import { Opcode } from './opcode';
import {
  cast,
  f32_elementwise,
  f32_embedding_bag,
  f32_reduce,
  f32_softmax,
  f32_unary,
  gather_axis,
  x32_fill,
} from './operators/index';
import { Word } from './step-word';

/** The words of gemm, the scratch at 18 among them, and | dtype | */
function runGemmInt8(w: usize): void {
  const zPtr = Word.pointer(w, 2);
  const M = Word.size(w, 4);
  const N = Word.size(w, 5);
  if (M === 0 || N === 0) return;
  i8_gemm(
    Word.size(w, 19),
    Word.pointer(w, 3),
    Word.size(w, 10),
    Word.pointer(w, 0),
    Word.size(w, 8),
    Word.pointer(w, 1),
    M,
    N,
    Word.size(w, 6),
    zPtr,
    Word.size(w, 9),
    zPtr ? Word.size(w, 7) : 0,
    Word.real(w, 11),
    Word.real(w, 12),
    Word.pointer(w, 18),
  );
}

/** | x | scale | zero | y | dtype | M | N | */
function runRequantize(w: usize): void {
  const isSigned = Word.size(w, 4) !== 0;
  i32_requantize(
    Word.pointer(w, 3),
    Word.pointer(w, 0),
    Word.pointer(w, 1),
    Word.size(w, 5),
    Word.size(w, 6),
    isSigned,
    byteAt(Word.pointer(w, 2), isSigned),
  );
}

/** | B | bias | panels | N | K | strideN | strideK | biasStride | batches | strideB, Bias, Panels | */
function runPack(w: usize): void {
  if (Word.size(w, 3) == 0) return;
  let bPtr = Word.pointer(w, 0);
  let biasPtr = Word.pointer(w, 1);
  let panelPtr = Word.pointer(w, 2);
  for (let b = Word.size(w, 8); b > 0; b--) {
    f32_pack_linear(
      panelPtr,
      bPtr,
      Word.size(w, 5),
      Word.size(w, 6),
      biasPtr,
      Word.size(w, 7),
      Word.size(w, 3),
      Word.size(w, 4),
    );
    bPtr += (<usize>Word.size(w, 9)) << 2;
    if (biasPtr) biasPtr += (<usize>Word.size(w, 10)) << 2;
    panelPtr += (<usize>Word.size(w, 11)) << 2;
  }
}

/** | x | indices | y | elementBytes | outer | axis | inner | count | */
function runGather(w: usize): bool {
  return gather_axis(
    Word.size(w, 3),
    Word.pointer(w, 0),
    Word.pointer(w, 1),
    Word.pointer(w, 2),
    Word.size(w, 4),
    Word.size(w, 5),
    Word.size(w, 6),
    Word.size(w, 7),
  );
}

/** | ids | table | bias | y | mode | M | L | V | D | ldy | */
function runEmbeddingBag(w: usize): bool {
  return f32_embedding_bag(
    Word.size(w, 4),
    Word.pointer(w, 0),
    Word.pointer(w, 1),
    Word.pointer(w, 2),
    Word.pointer(w, 3),
    Word.size(w, 5),
    Word.size(w, 6),
    Word.size(w, 7),
    Word.size(w, 8),
    Word.size(w, 9),
  );
}

/** Runs one step; false when its data or its opcode is refused. */
function runStep(opcode: i32, w: usize): bool {
  switch (opcode) {
    case Opcode.PACK:
      runPack(w);
      return true;
    case Opcode.UNARY: // | x | y | f | count | alpha | beta |
      f32_unary(
        Word.size(w, 2),
        Word.pointer(w, 0),
        Word.pointer(w, 1),
        Word.size(w, 3),
        Word.real(w, 4),
        Word.real(w, 5),
      );
      return true;
    case Opcode.ELEMENTWISE: // | a | b | c | y | f | rank | axes ... |
      f32_elementwise(
        Word.size(w, 4),
        Word.size(w, 5),
        Word.ptr(w, 6),
        Word.pointer(w, 0),
        Word.pointer(w, 1),
        Word.pointer(w, 2),
        Word.pointer(w, 3),
      );
      return true;
    case Opcode.REDUCE: // | x | y | f | outer | axis | inner |
      f32_reduce(
        Word.size(w, 2),
        Word.pointer(w, 0),
        Word.pointer(w, 1),
        Word.size(w, 3),
        Word.size(w, 4),
        Word.size(w, 5),
      );
      return true;
    case Opcode.SOFTMAX: // | x | y | f | outer | axis | inner |
      f32_softmax(
        Word.size(w, 2),
        Word.pointer(w, 0),
        Word.pointer(w, 1),
        Word.size(w, 3),
        Word.size(w, 4),
        Word.size(w, 5),
      );
      return true;
    case Opcode.GATHER:
      return runGather(w);
    case Opcode.EMBEDDING_BAG:
      return runEmbeddingBag(w);
    case Opcode.CAST: // | x | y | from | to | count |
      cast(Word.size(w, 2), Word.size(w, 3), Word.pointer(w, 0), Word.pointer(w, 1), Word.size(w, 4));
      return true;
    case Opcode.FILL: // | y | count | bits |
      x32_fill(Word.pointer(w, 0), Word.size(w, 1), Word.size(w, 2));
      return true;
    case Opcode.CONV:
      runConv(w);
      return true;
    case Opcode.POOL:
      runPool(w);
      return true;
    case Opcode.LSTM:
      runLstm(w);
      return true;
    case Opcode.GRU:
      runGru(w);
      return true;
    case Opcode.GEMM_INT8:
      runGemmInt8(w);
      return true;
    case Opcode.REQUANTIZE:
      runRequantize(w);
      return true;
    case Opcode.ATTENTION:
      runAttention(w);
      return true;
    default:
      return runLinearStep(opcode, w);
  }
}

/**
 * Runs the steps of a tape in order.
 * @param tapePtr  i32 words, multiple of 4; only read
 * @param tapeBytes  length of the tape
 * @returns 0, or 1 + the position of the step that met an index outside its operand (or has an unknown opcode);
 *   the steps before it have run
 */
export function run_steps(tapePtr: usize, tapeBytes: i32): i32 {
  const endPtr = tapePtr + <usize>tapeBytes;
  for (let step = 1; tapePtr < endPtr; step++) {
    if (!runStep(load<i32>(tapePtr), tapePtr + 8)) return step;
    tapePtr += (<usize>load<i32>(tapePtr, 4)) << 2;
  }
  return 0;
}
