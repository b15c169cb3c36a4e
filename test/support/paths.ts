/** The two matrices of a block as the path statistic takes them. */
import type { Law } from '../../src/evidence/index.js';
import type { TensorInput } from '../../src/evidence/tensor-input.js';
import type { BlockWeights } from './blocks.js';

export const normalLaw = (sigma: number): Law => ({
  name: `normal:${sigma}`,
  family: 'normal',
  scale: sigma,
  std: sigma,
});

export function pathSubjects({ d, m, up, down }: BlockWeights, law: Law) {
  const inputOf = (name: string, values: Float32Array<ArrayBuffer>, rows: number, columns: number): TensorInput => ({
    ...{ name, layer: name, kind: 'weight', values, rows, columns, step: 0 },
    fans: { fanIn: columns, fanOut: rows },
  });
  return [
    { input: inputOf('up', up, m * d, d), law },
    { input: inputOf('down', down, d, m * d), law },
  ] as const;
}
