/** Order statistics of samples. */

/** The value below which a share `q` of the samples lies; samples need not be sorted. */
export function quantile(samples, q) {
  const sorted = Float64Array.from(samples).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

export function median(samples) {
  return quantile(samples, 0.5);
}

/** At most `count` samples, evenly spread over the run, to four digits: what goes into a result file. */
export function thin(samples, count) {
  const step = Math.max(1, samples.length / count);
  const kept = [];
  for (let i = 0; i < samples.length; i += step) kept.push(Number(samples[Math.floor(i)].toPrecision(4)));
  return kept;
}
