/** Adam with a running average of the weights. */

/** Terms that keep a quotient of two small numbers finite. */
const EPSILON: f64 = 1e-12;

/**
 * One step of Adam (Kingma and Ba 2015) on n weights, and their running average:
 *
 *     m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,  w = w - rate (m / c1) / (sqrt(v / c2) + epsilon)
 *     a = keep a + (1 - keep) w
 *
 * @param c1  1 - b1^step; c2 = 1 - b2^step
 * @param wPtr  f32 [n], as are g, m, v and a; sums in f64, rounded once
 */
export function f32_adam_step(
  n: i32,
  rate: f64,
  b1: f64,
  b2: f64,
  c1: f64,
  c2: f64,
  keep: f64,
  gPtr: usize,
  wPtr: usize,
  mPtr: usize,
  vPtr: usize,
  aPtr: usize,
): void {
  for (const end = wPtr + ((<usize>n) << 2); wPtr < end; wPtr += 4) {
    const g = <f64>load<f32>(gPtr);
    const m = b1 * load<f32>(mPtr) + (1 - b1) * g;
    const v = b2 * load<f32>(vPtr) + (1 - b2) * g * g;
    const w = <f64>load<f32>(wPtr) - (rate * (m / c1)) / (sqrt(v / c2) + EPSILON);
    store<f32>(mPtr, <f32>m);
    store<f32>(vPtr, <f32>v);
    store<f32>(wPtr, <f32>w);
    store<f32>(aPtr, <f32>(keep * load<f32>(aPtr) + (1 - keep) * w));
    gPtr += 4;
    mPtr += 4;
    vPtr += 4;
    aPtr += 4;
  }
}
