/** What relaxed vectors of 128 bits can reach on registers, where a product and its sum may be one instruction. */

/** Runs `steps` steps of 56 vector operations, each a product and a sum, in 14 chains that do not wait for each other. */
export function peakFused(steps: i32, factor: f32): f32 {
  const f = f32x4.splat(factor);
  let a = f;
  let b = f;
  let c = f;
  let d = f;
  let e = f;
  let g = f;
  let h = f;
  let i = f;
  let j = f;
  let k = f;
  let l = f;
  let m = f;
  let n = f;
  let o = f;
  do {
    for (let repeat = 0; repeat < 4; repeat++) {
      a = f32x4.relaxed_madd(f, f, a);
      b = f32x4.relaxed_madd(f, f, b);
      c = f32x4.relaxed_madd(f, f, c);
      d = f32x4.relaxed_madd(f, f, d);
      e = f32x4.relaxed_madd(f, f, e);
      g = f32x4.relaxed_madd(f, f, g);
      h = f32x4.relaxed_madd(f, f, h);
      i = f32x4.relaxed_madd(f, f, i);
      j = f32x4.relaxed_madd(f, f, j);
      k = f32x4.relaxed_madd(f, f, k);
      l = f32x4.relaxed_madd(f, f, l);
      m = f32x4.relaxed_madd(f, f, m);
      n = f32x4.relaxed_madd(f, f, n);
      o = f32x4.relaxed_madd(f, f, o);
    }
    steps--;
  } while (steps > 0);
  let sum = f32x4.add(a, b);
  sum = f32x4.add(sum, c);
  sum = f32x4.add(sum, d);
  sum = f32x4.add(sum, e);
  sum = f32x4.add(sum, g);
  sum = f32x4.add(sum, h);
  sum = f32x4.add(sum, i);
  sum = f32x4.add(sum, j);
  sum = f32x4.add(sum, k);
  sum = f32x4.add(sum, l);
  sum = f32x4.add(sum, m);
  sum = f32x4.add(sum, n);
  sum = f32x4.add(sum, o);
  return f32x4.extract_lane(sum, 0);
}
