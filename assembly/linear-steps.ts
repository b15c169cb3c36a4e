/** Steps that the core module (core.ts) and the whole one (steps.ts) have in common. */
import { f32_gemm_sparse_input } from './linear/sparse-input';
import { Opcode } from './opcode';
import { copy_strided } from './operators/copy';
import { x32_gather_columns } from './operators/gather';
import { Word } from './step-word';

/** | x | panels | z | y | M | N | K | R | ldx | ldz | ldy | lo | hi | batches | strideX, Panels, Z, Y | scratch | */
function runGemm(w: usize): void {
  if (Word.size(w, 4) == 0 || Word.size(w, 5) == 0) return;
  let xPtr = Word.pointer(w, 0);
  let panelPtr = Word.pointer(w, 1);
  let zPtr = Word.pointer(w, 2);
  let yPtr = Word.pointer(w, 3);
  const R = zPtr ? Word.size(w, 7) : 0;
  for (let b = Word.size(w, 13); b > 0; b--) {
    f32_gemm_sparse_input(
      yPtr,
      Word.size(w, 10),
      xPtr,
      Word.size(w, 8),
      panelPtr,
      Word.size(w, 4),
      Word.size(w, 5),
      Word.size(w, 6),
      zPtr,
      Word.size(w, 9),
      R,
      Word.real(w, 11),
      Word.real(w, 12),
      Word.pointer(w, 18),
    );
    xPtr += (<usize>Word.size(w, 14)) << 2;
    panelPtr += (<usize>Word.size(w, 15)) << 2;
    zPtr += (<usize>Word.size(w, 16)) << 2;
    yPtr += (<usize>Word.size(w, 17)) << 2;
  }
}

/** | x | indices | y | M | N | columns | ldx | ldy | */
function runGatherColumns(w: usize): bool {
  return x32_gather_columns(
    Word.pointer(w, 0),
    Word.pointer(w, 1),
    Word.pointer(w, 2),
    Word.size(w, 3),
    Word.size(w, 4),
    Word.size(w, 5),
    Word.size(w, 6),
    Word.size(w, 7),
  );
}

/** Runs one step; false when its data is refused, or it is none of these. */
export function runLinearStep(opcode: i32, w: usize): bool {
  switch (opcode) {
    case Opcode.GEMM:
      runGemm(w);
      return true;
    case Opcode.COPY: // | src | dst | elementBytes | rank | axes ... |
      copy_strided(Word.size(w, 2), Word.size(w, 3), Word.ptr(w, 4), Word.pointer(w, 0), Word.pointer(w, 1));
      return true;
    case Opcode.GATHER_COLUMNS:
      return runGatherColumns(w);
    default:
      return false;
  }
}
