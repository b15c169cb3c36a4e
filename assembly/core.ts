/**
 * The core of the runtime's kernels: the steps of linear packages, in a module of a third of the size.
 * src/runtime/step-kinds/core.ts says which steps that are; they give the bits of the whole module (index.ts).
 */
import { runLinearStep } from './linear-steps';
import { Opcode } from './opcode';
import { f32_softmax_rows } from './operators/softmax';
import { f32_unary_core } from './operators/unary-core';
import { Word } from './step-word';

export { heap_base } from './heap';
export { f32_gemm } from './linear/gemm';
export { f16_widen } from './linear/half';
export { f32_panels_skippable } from './linear/skippable';
export { runLinearStep } from './linear-steps';
export { f32_row_sum, f32_row_top } from './operators/axis-rows';
export { f32_margins } from './operators/margins';
export { f32_unary_core } from './operators/unary-core';

/** Runs one step; false when its data or its opcode is refused. */
function runCoreStep(opcode: i32, w: usize): bool {
  switch (opcode) {
    case Opcode.UNARY: // | x | y | f | count | alpha | beta |
      f32_unary_core(
        Word.size(w, 2),
        Word.pointer(w, 0),
        Word.pointer(w, 1),
        Word.size(w, 3),
        Word.real(w, 4),
        Word.real(w, 5),
      );
      return true;
    case Opcode.SOFTMAX: // | x | y | 0 | outer | axis | 1 |
      f32_softmax_rows(Word.pointer(w, 0), Word.pointer(w, 1), Word.size(w, 3), Word.size(w, 4));
      return true;
    default:
      return runLinearStep(opcode, w);
  }
}

/** As in steps.ts, for the steps of the core. */
export function run_steps(tapePtr: usize, tapeBytes: i32): i32 {
  const endPtr = tapePtr + <usize>tapeBytes;
  for (let step = 1; tapePtr < endPtr; step++) {
    if (!runCoreStep(load<i32>(tapePtr), tapePtr + 8)) return step;
    tapePtr += (<usize>load<i32>(tapePtr, 4)) << 2;
  }
  return 0;
}
