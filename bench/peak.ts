/** What 128-bit arithmetic can reach on this machine: multiplications and additions on registers only. */

/** Runs `steps` steps of 24 vector operations, half products, half sums, none waiting for the one before. */
export function peak(steps: i32, factor: f32, term: f32): f32 {
  const f = f32x4.splat(factor);
  const t = f32x4.splat(term);
  let p0 = f,
    p1 = f,
    p2 = f,
    p3 = f,
    p4 = f,
    p5 = f;
  let s0 = t,
    s1 = t,
    s2 = t,
    s3 = t,
    s4 = t,
    s5 = t;
  do {
    p0 = f32x4.mul(p0, f);
    s0 = f32x4.add(s0, t);
    p1 = f32x4.mul(p1, f);
    s1 = f32x4.add(s1, t);
    p2 = f32x4.mul(p2, f);
    s2 = f32x4.add(s2, t);
    p3 = f32x4.mul(p3, f);
    s3 = f32x4.add(s3, t);
    p4 = f32x4.mul(p4, f);
    s4 = f32x4.add(s4, t);
    p5 = f32x4.mul(p5, f);
    s5 = f32x4.add(s5, t);
    p0 = f32x4.mul(p0, f);
    s0 = f32x4.add(s0, t);
    p1 = f32x4.mul(p1, f);
    s1 = f32x4.add(s1, t);
    p2 = f32x4.mul(p2, f);
    s2 = f32x4.add(s2, t);
    p3 = f32x4.mul(p3, f);
    s3 = f32x4.add(s3, t);
    p4 = f32x4.mul(p4, f);
    s4 = f32x4.add(s4, t);
    p5 = f32x4.mul(p5, f);
    s5 = f32x4.add(s5, t);
    steps--;
  } while (steps > 0);
  const p = f32x4.add(f32x4.add(f32x4.add(p0, p1), f32x4.add(p2, p3)), f32x4.add(p4, p5));
  const s = f32x4.add(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)), f32x4.add(s4, s5));
  return f32x4.extract_lane(f32x4.add(p, s), 0);
}
