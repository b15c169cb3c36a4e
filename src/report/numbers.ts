/** Numbers as a person reads them. */

/** 674,604 */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** 0.1234 as `12.34 %`. */
export function percent(fraction: number | null, digits = 2): string {
  return fraction === null || Number.isNaN(fraction) ? '-' : `${(100 * fraction).toFixed(digits)} %`;
}

/** Three significant digits; small numbers with an exponent. */
export function short(value: number | null): string {
  if (value === null || Number.isNaN(value)) return '-';
  if (value === 0 || !Number.isFinite(value)) return String(value);
  return Math.abs(value) < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}

/** The first part of a hash, enough to compare by eye. */
export function shortHash(hash: string | null): string {
  return hash === null ? '-' : hash.slice(0, 16);
}

/** Bytes with a unit. */
export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length, Math.floor(Math.log2(value) / 10));
  return `${(value / 1024 ** power).toFixed(1)} ${units[power - 1]}`;
}
