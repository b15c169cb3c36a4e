/** Values of SciPy and NumPy; test/golden/statistics/make_golden.py makes them. */
import { readFileSync } from 'node:fs';

export interface Golden {
  readonly logTail: readonly (readonly [x: number, logTail: number])[];
  readonly quantile: readonly (readonly [p: number, x: number])[];
  readonly chiSquare: readonly (readonly [df: number, x: number, logUpper: number, logLower: number])[];
  readonly pit: readonly (readonly [family: 'truncated-normal' | 'uniform', x: number, z: number])[];
  readonly kolmogorov: readonly (readonly [n: number, d: number, p: number])[];
  readonly ks: { readonly sample: readonly number[]; readonly distance: number };
  readonly marchenkoPastur: readonly (readonly [beta: number, x: number, cdf: number])[];
  readonly rejections: {
    readonly p: readonly number[];
    readonly bonferroni: number;
    readonly holm: number;
    readonly benjaminiHochberg: number;
  };
  readonly singularValues: {
    readonly rows: number;
    readonly columns: number;
    readonly matrix: readonly number[];
    readonly values: readonly number[];
  };
}

export function readGolden(): Golden {
  return JSON.parse(readFileSync('test/golden/statistics/golden.json', 'utf8'));
}
