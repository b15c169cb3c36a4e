/** Reference matrix products over any numeric dtype, for Gemm, MatMul and Linear. */
import type { Tensor } from '../../runtime/tensor.js';
import { fillBigints, fillNumbers, isFloat, toBigints, toNumbers } from './elements.js';

/** Where the factors of output element `index` start, how far apart they are, and how many there are. */
export interface ProductMap {
  readonly dims: readonly number[];
  readonly K: number;
  readonly strideA: number;
  readonly strideB: number;
  /** First elements of a and b for output element `index`. */
  startsOf(index: number): readonly [a: number, b: number];
}

/** out[i] = sum_k a[startA + k strideA] * b[startB + k strideB]: floats in f64, integers exactly and wrapped. */
export function contract(a: Tensor, b: Tensor, map: ProductMap): Tensor {
  const { dims, K, strideA, strideB } = map;
  if (isFloat(a.type)) {
    const [av, bv] = [toNumbers(a), toNumbers(b)];
    return fillNumbers(a.type, dims, (index) => {
      const [startA, startB] = map.startsOf(index);
      let sum = 0;
      for (let k = 0; k < K; k++) sum += av[startA + k * strideA] * bv[startB + k * strideB];
      return sum;
    });
  }
  const [av, bv] = [toBigints(a), toBigints(b)];
  return fillBigints(a.type, dims, (index) => {
    const [startA, startB] = map.startsOf(index);
    let sum = 0n;
    for (let k = 0; k < K; k++) sum += av[startA + k * strideA] * bv[startB + k * strideB];
    return sum;
  });
}
