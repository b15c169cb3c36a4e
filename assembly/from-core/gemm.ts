/** Stands for linear/gemm.ts in the module `more`, which takes the linear layer from the core. */
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
