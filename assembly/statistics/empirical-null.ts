/** The scale of the null from the data: where the law's own scale cannot be trusted. */
import { logGamma, logGammaP } from './gamma';
import { f64_fit_power_gamma } from './power-gamma';

/**
 * sigma of the null from sums of squares of groups, most of which are null: the sigma at which the lower tenth and the
 * lower half of the sums stand in the ratio 1 : 5 of a chi-square law. A share of larger sums cancels out of the ratio.
 * @param n  groups
 * @param sortedPtr  sums [n], f64, ascending
 * @param df  squares in each sum
 * @returns sigma over the scale that the scores were made with; NaN when the ratio has no solution
 */
export function f64_quantile_ratio_scale(n: usize, sortedPtr: usize, df: f64): f64 {
  const tenth = load<f64>(sortedPtr + ((n / 10) << 3));
  const median = load<f64>(sortedPtr + ((n >> 1) << 3));
  if (!(tenth > 0)) return NaN;
  const share = Math.log(0.2);
  // P(df, tenth / s) / P(df, median / s) falls as s grows.
  let low = Math.log(median / df) - 4;
  let high = low + 8;
  for (let step = 0; step < 80; step++) {
    const middle = 0.5 * (low + high);
    const s = Math.exp(middle);
    const ratio = logGammaP(0.5 * df, (0.5 * tenth) / s) - logGammaP(0.5 * df, (0.5 * median) / s);
    if (ratio > share) low = middle;
    else high = middle;
  }
  return Math.exp(0.25 * (low + high));
}

/**
 * sigma of the noise from sums of squares of groups of weights of one family, by the same quantile ratio.
 * @param n  groups
 * @param sortedPtr  sums of squares [n], f64, ascending; overwritten
 * @param size  weights in each group
 * @param variance  variance of (w / sigma)^2 in the family
 * @param third  its third central moment
 * @param scratchPtr  [2], f64
 * @returns sigma in the unit of the weights; NaN when the ratio has no solution
 */
export function f64_group_sigma(
  n: usize,
  sortedPtr: usize,
  size: f64,
  variance: f64,
  third: f64,
  scratchPtr: usize,
): f64 {
  f64_fit_power_gamma(size, size * variance, size * third, scratchPtr);
  const a = load<f64>(scratchPtr, 0);
  const delta = load<f64>(scratchPtr, 8);
  // A mean square is sigma^2 G^delta / E[G^delta]; its power 1 / delta is a chi-square of 2 a degrees times ratio^2.
  for (let i: usize = 0; i < n; i++) {
    const at = sortedPtr + (i << 3);
    store<f64>(at, Math.pow(load<f64>(at) / size, 1 / delta));
  }
  const ratio = f64_quantile_ratio_scale(n, sortedPtr, 2 * a);
  return Math.sqrt(Math.exp(logGamma(a + delta) - logGamma(a)) * Math.pow(2 * ratio * ratio, delta));
}
