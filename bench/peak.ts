/** What a machine can reach with 128-bit vectors: arithmetic on registers only, and reads without arithmetic. */

/**
 * Runs `steps` steps of 56 vector operations, half products, half sums, in 14 chains that do not wait for each other.
 * With the one operand they share that makes 15 registers, the most that V8 gives on x64: with one more a chain goes
 * through memory and takes longest (39 for 52 GFLOP/s on an EPYC). Each unit has seven chains for a latency of three or four cycles.
 */
export function peak(steps: i32, factor: f32): f32 {
  const f = f32x4.splat(factor);
  let p0 = f;
  let p1 = f;
  let p2 = f;
  let p3 = f;
  let p4 = f;
  let p5 = f;
  let p6 = f;
  let s0 = f;
  let s1 = f;
  let s2 = f;
  let s3 = f;
  let s4 = f;
  let s5 = f;
  let s6 = f;
  do {
    p0 = f32x4.mul(p0, f);
    s0 = f32x4.add(s0, f);
    p1 = f32x4.mul(p1, f);
    s1 = f32x4.add(s1, f);
    p2 = f32x4.mul(p2, f);
    s2 = f32x4.add(s2, f);
    p3 = f32x4.mul(p3, f);
    s3 = f32x4.add(s3, f);
    p4 = f32x4.mul(p4, f);
    s4 = f32x4.add(s4, f);
    p5 = f32x4.mul(p5, f);
    s5 = f32x4.add(s5, f);
    p6 = f32x4.mul(p6, f);
    s6 = f32x4.add(s6, f);
    p0 = f32x4.mul(p0, f);
    s0 = f32x4.add(s0, f);
    p1 = f32x4.mul(p1, f);
    s1 = f32x4.add(s1, f);
    p2 = f32x4.mul(p2, f);
    s2 = f32x4.add(s2, f);
    p3 = f32x4.mul(p3, f);
    s3 = f32x4.add(s3, f);
    p4 = f32x4.mul(p4, f);
    s4 = f32x4.add(s4, f);
    p5 = f32x4.mul(p5, f);
    s5 = f32x4.add(s5, f);
    p6 = f32x4.mul(p6, f);
    s6 = f32x4.add(s6, f);
    p0 = f32x4.mul(p0, f);
    s0 = f32x4.add(s0, f);
    p1 = f32x4.mul(p1, f);
    s1 = f32x4.add(s1, f);
    p2 = f32x4.mul(p2, f);
    s2 = f32x4.add(s2, f);
    p3 = f32x4.mul(p3, f);
    s3 = f32x4.add(s3, f);
    p4 = f32x4.mul(p4, f);
    s4 = f32x4.add(s4, f);
    p5 = f32x4.mul(p5, f);
    s5 = f32x4.add(s5, f);
    p6 = f32x4.mul(p6, f);
    s6 = f32x4.add(s6, f);
    p0 = f32x4.mul(p0, f);
    s0 = f32x4.add(s0, f);
    p1 = f32x4.mul(p1, f);
    s1 = f32x4.add(s1, f);
    p2 = f32x4.mul(p2, f);
    s2 = f32x4.add(s2, f);
    p3 = f32x4.mul(p3, f);
    s3 = f32x4.add(s3, f);
    p4 = f32x4.mul(p4, f);
    s4 = f32x4.add(s4, f);
    p5 = f32x4.mul(p5, f);
    s5 = f32x4.add(s5, f);
    p6 = f32x4.mul(p6, f);
    s6 = f32x4.add(s6, f);
    steps--;
  } while (steps > 0);
  let sum = f32x4.add(p0, s0);
  sum = f32x4.add(sum, p1);
  sum = f32x4.add(sum, s1);
  sum = f32x4.add(sum, p2);
  sum = f32x4.add(sum, s2);
  sum = f32x4.add(sum, p3);
  sum = f32x4.add(sum, s3);
  sum = f32x4.add(sum, p4);
  sum = f32x4.add(sum, s4);
  sum = f32x4.add(sum, p5);
  sum = f32x4.add(sum, s5);
  sum = f32x4.add(sum, p6);
  sum = f32x4.add(sum, s6);
  return f32x4.extract_lane(sum, 0);
}

/** Runs `steps` steps of ten dot products of eight int16 pairs, each added to a sum of its own; with more, V8 spills. */
export function peakDot(steps: i32, factor: i32): i32 {
  const f = i16x8.splat(<i16>factor);
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
  do {
    a = i32x4.add(a, i32x4.dot_i16x8_s(a, f));
    b = i32x4.add(b, i32x4.dot_i16x8_s(b, f));
    c = i32x4.add(c, i32x4.dot_i16x8_s(c, f));
    d = i32x4.add(d, i32x4.dot_i16x8_s(d, f));
    e = i32x4.add(e, i32x4.dot_i16x8_s(e, f));
    g = i32x4.add(g, i32x4.dot_i16x8_s(g, f));
    h = i32x4.add(h, i32x4.dot_i16x8_s(h, f));
    i = i32x4.add(i, i32x4.dot_i16x8_s(i, f));
    j = i32x4.add(j, i32x4.dot_i16x8_s(j, f));
    k = i32x4.add(k, i32x4.dot_i16x8_s(k, f));
    steps--;
  } while (steps > 0);
  let sum = i32x4.add(a, b);
  sum = i32x4.add(sum, c);
  sum = i32x4.add(sum, d);
  sum = i32x4.add(sum, e);
  sum = i32x4.add(sum, g);
  sum = i32x4.add(sum, h);
  sum = i32x4.add(sum, i);
  sum = i32x4.add(sum, j);
  sum = i32x4.add(sum, k);
  return i32x4.extract_lane(sum, 0);
}

/** Reads `bytes` bytes, a multiple of 192, as three streams side by side. */
export function read(ptr: usize, bytes: i32): i32 {
  const part = <usize>(bytes / 3);
  const end = ptr + part;
  let a = i32x4.splat(0),
    b = a,
    c = a,
    d = a;
  for (; ptr < end; ptr += 64) {
    a = v128.or(a, v128.load(ptr));
    b = v128.or(b, v128.load(ptr, 16));
    c = v128.or(c, v128.load(ptr, 32));
    d = v128.or(d, v128.load(ptr, 48));
    a = v128.or(a, v128.load(ptr + part));
    b = v128.or(b, v128.load(ptr + part, 16));
    c = v128.or(c, v128.load(ptr + part, 32));
    d = v128.or(d, v128.load(ptr + part, 48));
    a = v128.or(a, v128.load(ptr + 2 * part));
    b = v128.or(b, v128.load(ptr + 2 * part, 16));
    c = v128.or(c, v128.load(ptr + 2 * part, 32));
    d = v128.or(d, v128.load(ptr + 2 * part, 48));
  }
  return i32x4.extract_lane(v128.or(v128.or(a, b), v128.or(c, d)), 0);
}
