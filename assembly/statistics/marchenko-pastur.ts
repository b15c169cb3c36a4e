/** The Marchenko-Pastur law: squared singular values of a noise matrix over its longer side. */

/**
 * Mass of the Marchenko-Pastur law below x, for noise of variance 1 and eigenvalues of W W^T / n, beta = m / n.
 * The integral of sqrt((b - x)(x - a)) / (2 pi beta x) over [a, x] in closed form, r^2 = (b - x) / (x - a).
 * @param beta  (0, 1]
 */
export function f64_marchenko_pastur_cdf(beta: f64, x: f64): f64 {
  const root = Math.sqrt(beta);
  const a = (1 - root) * (1 - root);
  const b = (1 + root) * (1 + root);
  if (x <= a) return 0;
  if (x >= b) return 1;
  const r = Math.sqrt((b - x) / (x - a));
  let sum = Math.PI * beta + Math.sqrt((b - x) * (x - a)) - (1 + beta) * Math.atan(0.5 * (r - 1 / r));
  if (beta < 1) sum += (1 - beta) * Math.atan((a * r - b / r) / (2 * (1 - beta)));
  return sum / (2 * Math.PI * beta);
}

/** The median of the Marchenko-Pastur law, by bisection. */
export function f64_marchenko_pastur_median(beta: f64): f64 {
  const root = Math.sqrt(beta);
  let low = (1 - root) * (1 - root);
  let high = (1 + root) * (1 + root);
  for (let step = 0; step < 56; step++) {
    const middle = 0.5 * (low + high);
    if (f64_marchenko_pastur_cdf(beta, middle) < 0.5) low = middle;
    else high = middle;
  }
  return 0.5 * (low + high);
}
