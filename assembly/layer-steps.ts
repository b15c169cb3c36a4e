/** Steps that are whole layers: convolution, pooling, recurrence, attention. */
import { f32_attention, f32_gru, f32_lstm, f32_windows } from './operators/index';
import { Word } from './step-word';

/** | x | w | y | scratch | lo | hi | shape ... | */
export function runConv(w: usize): void {
  f32_windows(
    0,
    Word.pointer(w, 0),
    Word.pointer(w, 1),
    Word.pointer(w, 3),
    Word.pointer(w, 2),
    Word.ptr(w, 6),
    Word.real(w, 4),
    Word.real(w, 5),
  );
}

/** | x | y | scratch | f | shape ... | */
export function runPool(w: usize): void {
  f32_windows(
    1 + Word.size(w, 3),
    Word.pointer(w, 0),
    0,
    Word.pointer(w, 2),
    Word.pointer(w, 1),
    Word.ptr(w, 4),
    -Infinity,
    Infinity,
  );
}

/** | z | r | h | c | p | v | y | cell | gates | isReverse | T | B | H | strideT | rank | */
export function runLstm(w: usize): void {
  f32_lstm(
    Word.pointer(w, 0),
    Word.pointer(w, 1),
    Word.pointer(w, 2),
    Word.pointer(w, 3),
    Word.pointer(w, 4),
    Word.pointer(w, 5),
    Word.pointer(w, 6),
    Word.pointer(w, 7),
    Word.pointer(w, 8),
    Word.size(w, 9) !== 0,
    Word.size(w, 10),
    Word.size(w, 11),
    Word.size(w, 12),
    Word.size(w, 13),
    Word.size(w, 14),
  );
}

/** | z | r | n | h | v | y | scratch | isReverse | isAfter | T | B | H | strideT | rank | */
export function runGru(w: usize): void {
  f32_gru(
    Word.pointer(w, 0),
    Word.pointer(w, 1),
    Word.pointer(w, 2),
    Word.pointer(w, 3),
    Word.pointer(w, 4),
    Word.pointer(w, 5),
    Word.pointer(w, 6),
    Word.size(w, 7) !== 0,
    Word.size(w, 8) !== 0,
    Word.size(w, 9),
    Word.size(w, 10),
    Word.size(w, 11),
    Word.size(w, 12),
    Word.size(w, 13),
  );
}

/** | q | k | v | mask | y | scratch | scale | shape ... | */
export function runAttention(w: usize): void {
  f32_attention(
    Word.pointer(w, 0),
    Word.pointer(w, 1),
    Word.pointer(w, 2),
    Word.pointer(w, 3),
    Word.pointer(w, 4),
    Word.pointer(w, 5),
    Word.ptr(w, 7),
    Word.real(w, 6),
  );
}
