/** Directions in which the outputs of a network are differentiated: rows of an f32 matrix. */

/** Well mixed bits of a counter (a 64-bit finaliser). */
function mix(state: u64): u64 {
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
  state = (state ^ (state >> 27)) * 0x94d049bb133111eb;
  return state ^ (state >> 31);
}

/** Takes `mean` times the row's mean out of each row. */
function centreRow(columns: i32, mean: f64, rowPtr: usize): void {
  let sum: f64 = 0;
  for (let j = 0; j < columns; j++) sum += <f64>load<f32>(rowPtr + ((<usize>j) << 2));
  const shift = (mean * sum) / <f64>columns;
  for (let j = 0; j < columns; j++) {
    const at = rowPtr + ((<usize>j) << 2);
    store<f32>(at, <f32>(<f64>load<f32>(at) - shift));
  }
}

/**
 * Fills every row with one unit vector.
 * @param mean  1 takes the row's mean out, 0 leaves it
 * @param outPtr  f32 [rows, columns]
 */
export function f32_unit_rows(rows: i32, columns: i32, unit: i32, mean: f64, outPtr: usize): void {
  const rowBytes = (<usize>columns) << 2;
  for (let r = 0; r < rows; r++, outPtr += rowBytes) {
    memory.fill(outPtr, 0, rowBytes);
    store<f32>(outPtr + ((<usize>unit) << 2), 1);
    centreRow(columns, mean, outPtr);
  }
}

/**
 * Fills rows with independent random signs; the same key gives the same signs.
 * @param mean  1 takes each row's mean out, 0 leaves it
 * @param outPtr  f32 [rows, columns]
 */
export function f32_sign_rows(rows: i32, columns: i32, key: i32, mean: f64, outPtr: usize): void {
  const rowBytes = (<usize>columns) << 2;
  let counter: u64 = (<u64>key) << 40;
  for (let r = 0; r < rows; r++, outPtr += rowBytes) {
    for (let j = 0; j < columns; j++) {
      counter++;
      const isNegative = mix(counter * 0x9e3779b97f4a7c15) >> 63;
      store<f32>(outPtr + ((<usize>j) << 2), isNegative ? -1 : 1);
    }
    centreRow(columns, mean, outPtr);
  }
}

/** One row of {@link f32_answer_rows}, of the answer at `share` of its probabilities' sum. */
function answerRow(columns: i32, share: f64, scorePtr: usize, outPtr: usize): void {
  let top: f64 = -Infinity;
  let answer = 0;
  for (let j = 0; j < columns; j++) {
    const score = <f64>load<f32>(scorePtr + ((<usize>j) << 2));
    if (score <= top) continue;
    top = score;
    answer = j;
  }
  let sum: f64 = 0;
  for (let j = 0; j < columns; j++) sum += Math.exp(<f64>load<f32>(scorePtr + ((<usize>j) << 2)) - top);
  let left = share * sum;
  for (let j = 0; j < columns; j++) {
    const odds = Math.exp(<f64>load<f32>(scorePtr + ((<usize>j) << 2)) - top);
    // Rounding may leave a little behind the last one; the likeliest answer stands then.
    if (left >= 0 && left < odds) answer = j;
    left -= odds;
    store<f32>(outPtr + ((<usize>j) << 2), <f32>(-odds / sum));
  }
  const at = (<usize>answer) << 2;
  store<f32>(outPtr + at, <f32>(1 - Math.exp(<f64>load<f32>(scorePtr + at) - top) / sum));
}

/**
 * Fills each row with e_y - p, p the softmax of its scores and y an answer drawn from p: the gradient of ln p_y. The same
 * key gives the same answers.
 * @param scorePtr  f32 [rows, columns], finite
 * @param outPtr  f32 [rows, columns]; disjoint from the scores
 */
export function f32_answer_rows(rows: i32, columns: i32, key: i32, scorePtr: usize, outPtr: usize): void {
  const rowBytes = (<usize>columns) << 2;
  let counter: u64 = (<u64>key) << 40;
  for (let r = 0; r < rows; r++, scorePtr += rowBytes, outPtr += rowBytes) {
    counter++;
    const bits = mix(counter * 0x9e3779b97f4a7c15) >> 11;
    answerRow(columns, <f64>bits / 9007199254740992.0, scorePtr, outPtr);
  }
}
