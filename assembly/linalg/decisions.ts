/** Comparisons of network outputs, row by row: f32 [rows, columns]. */

/** Index of the largest element of each row, the first of equals; -1 for a row with a NaN. */
export function f32_argmax_rows(rows: i32, columns: i32, xPtr: usize, outPtr: usize): void {
  for (let r = 0; r < rows; r++) {
    let best = 0;
    let value = load<f32>(xPtr);
    let isNumber = true;
    for (let j = 0; j < columns; j++, xPtr += 4) {
      const x = load<f32>(xPtr);
      if (isNaN(x)) isNumber = false;
      if (x > value) {
        value = x;
        best = j;
      }
    }
    store<i32>(outPtr + ((<usize>r) << 2), isNumber ? best : -1);
  }
}

/**
 * Distances between rows of a and b.
 *
 *     out, f64 [rows][4]:  | sum (a - b)^2 | sum a^2 | max |a - b| | elements whose bits differ |
 *
 * Two NaN count as equal, whatever their bits; +0 and -0 differ.
 */
export function f32_row_distances(rows: i32, columns: i32, aPtr: usize, bPtr: usize, outPtr: usize): void {
  for (let r = 0; r < rows; r++, outPtr += 32) {
    let squares: f64 = 0;
    let norm: f64 = 0;
    let largest: f64 = 0;
    let unequal: f64 = 0;
    for (let j = 0; j < columns; j++, aPtr += 4, bPtr += 4) {
      const a = <f64>load<f32>(aPtr);
      const b = <f64>load<f32>(bPtr);
      if (load<u32>(aPtr) == load<u32>(bPtr) || (isNaN(a) && isNaN(b))) {
        if (isFinite(a)) norm += a * a;
        continue;
      }
      unequal += 1;
      squares += (a - b) * (a - b);
      norm += a * a;
      largest = max(largest, abs(a - b));
    }
    store<f64>(outPtr, squares);
    store<f64>(outPtr, norm, 8);
    store<f64>(outPtr, largest, 16);
    store<f64>(outPtr, unequal, 24);
  }
}
