/**
 * What the module `more` takes from the core. The build has it stand for the files that define these functions, so that
 * none of them is compiled twice.
 */
export declare function f32_gemm(
  yPtr: usize,
  ldy: i32,
  xPtr: usize,
  ldx: i32,
  panelPtr: usize,
  M: i32,
  N: i32,
  K: i32,
  zPtr: usize,
  ldz: i32,
  R: i32,
  lo: f32,
  hi: f32,
): void;

export declare function f32_row_sum(xPtr: usize, axis: i32): f32;

export declare function f32_row_top(xPtr: usize, axis: i32): f32;

export declare function f32_unary_core(f: i32, xPtr: usize, yPtr: usize, count: i32, alpha: f32, beta: f32): void;

export declare function runLinearStep(opcode: i32, w: usize): bool;
