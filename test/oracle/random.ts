/** Seeded random numbers for tests: failures print the seed, and the seed gives the same case again. */
import { randomWords } from '../../src/annealing/random.js';

export interface Random {
  /** In [0, 1). */
  uniform(): number;
  /** Standard normal, by Box and Muller. */
  normal(): number;
  /** Whole number in [0, n). */
  below(n: number): number;
}

export function createRandom(seed: number): Random {
  const next = randomWords(seed);
  const uniform = () => next() / 2 ** 32;
  return {
    uniform,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    below: (n) => next() % n,
  };
}
