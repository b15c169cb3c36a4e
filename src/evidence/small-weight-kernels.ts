/** Exports of assembly/linear that only the tool calls, as the host sees them. Strides in elements. */
export interface SmallWeightKernels {
  i8_pack_linear(
    dstPtr: number,
    wPtr: number,
    strideN: number,
    strideK: number,
    flip: number,
    addPtr: number,
    scalePtr: number,
    N: number,
    K: number,
  ): void;
  i8_quantize_rows(
    qPtr: number,
    scalePtr: number,
    statsPtr: number,
    wPtr: number,
    weightPtr: number,
    meanPtr: number,
    N: number,
    K: number,
  ): void;
  f32_narrow(yPtr: number, xPtr: number, count: number): void;
  f16_widen(yPtr: number, xPtr: number, count: number): void;
}
