/** The standard normal law, f64: tails that do not underflow in the log, and quantiles from the tail. */

/** ln(2 pi) / 2. */
const HALF_LOG_TWO_PI: f64 = 0.9189385332046728;

/** Coefficients of (1 + x) exp(x^2 / 2) Phi(-x) in t = (x - 4) / (x + 4); test/golden/statistics/make_normal_tail.py. */
const TAIL: StaticArray<f64> = [
  0.4655865996963784, -0.06423751712334332, -0.011171509596721219, 0.01263630599437623, -0.004828490640131744,
  0.0010793834106156014, -0.0001194099520285248, -6.8485883776766764e-6, 4.060629718065491e-6, -1.9527544708338363e-7,
  -1.1345944386467565e-7, 1.227397138426542e-8, 3.662441203341559e-9, -5.088948506210621e-10, -1.4602402012093163e-10,
  1.8321966529064227e-11, 6.857544400027546e-12, -5.077272058049455e-13, -3.458064365204774e-13, 4.412922855809207e-16,
  1.7054866572266912e-14, 1.5123653278115068e-15, -7.370100783416678e-16, -1.6124885584264884e-16,
  2.130692627650816e-17, 1.1734807140572405e-17,
];

/** exp(x^2 / 2) Phi(-x) for x >= 0; relative error below 1e-15. Clenshaw's recurrence. */
export function scaledTail(x: f64): f64 {
  const t = 1 - 8 / (x + 4);
  const t2 = 2 * t;
  let b: f64 = 0;
  let c: f64 = 0;
  for (let k = TAIL.length - 1; k > 0; k--) {
    const next = t2 * b - c + unchecked(TAIL[k]);
    c = b;
    b = next;
  }
  return (t * b - c + unchecked(TAIL[0])) / (1 + x);
}

/** Phi(-x), the upper tail, for any x. */
export function normalTail(x: f64): f64 {
  if (x < 0) return 1 - normalTail(-x);
  return Math.exp(-0.5 * x * x) * scaledTail(x);
}

/** ln Phi(-x) for any x; finite as long as x^2 is. */
export function normalLogTail(x: f64): f64 {
  if (x < 0) return Math.log1p(-normalTail(-x));
  return Math.log(scaledTail(x)) - 0.5 * x * x;
}

/** exp(-x^2 / 2) / sqrt(2 pi). */
export function normalDensity(x: f64): f64 {
  return Math.exp(-0.5 * x * x - HALF_LOG_TWO_PI);
}

/**
 * The x >= 0 with ln Phi(-x) = logP, for logP <= ln(1/2); 0 above.
 * Newton's method on the log tail, which is concave, so that every step after the first comes from the same side.
 */
export function normalQuantileOfLogTail(logP: f64): f64 {
  let x = Math.sqrt(max<f64>(0, -2 * (logP + Math.LN2)));
  for (let step = 0; step < 50; step++) {
    const tail = scaledTail(x);
    // d/dx ln Phi(-x) = -density / tail = -1 / (sqrt(2 pi) scaledTail(x)).
    const change = (Math.log(tail) - 0.5 * x * x - logP) * tail * 2.5066282746310007;
    x = max<f64>(0, x + change);
    if (abs(change) <= 1e-15 * (1 + x)) break;
  }
  return x;
}

/** ln Phi(-x), for the host. */
export function f64_normal_log_tail(x: f64): f64 {
  return normalLogTail(x);
}

/** The x >= 0 with ln Phi(-x) = logP, for the host. */
export function f64_normal_quantile(logP: f64): f64 {
  return normalQuantileOfLogTail(logP);
}
