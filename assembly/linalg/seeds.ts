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
