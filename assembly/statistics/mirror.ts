/**
 * Brings weights that lie just outside a support back in: |w| in (edge, edge (1 + reach)] becomes 2 edge - |w|.
 * For weights whose scale is known only to within `reach`.
 * @param n  elements
 * @param wPtr  w [n], f32, changed in place
 * @param edge  half width of the support
 */
export function f32_mirror_outside(n: usize, wPtr: usize, edge: f64, reach: f64): void {
  const end = wPtr + (n << 2);
  const last = edge * (1 + reach);
  for (; wPtr < end; wPtr += 4) {
    const w = <f64>load<f32>(wPtr);
    const size = abs(w);
    if (size > edge && size <= last) store<f32>(wPtr, <f32>copysign<f64>(2 * edge - size, w));
  }
}
