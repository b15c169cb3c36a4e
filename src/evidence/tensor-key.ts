/** The key of a tensor's random stream: depends on the seed and the name alone, never on order or threads. */

const mask = (1n << 64n) - 1n;

/**
 * A 64-bit key for the counter-based generator: FNV-1a over the UTF-8 bytes of the name, from a start that the seed
 * sets.
 * @param seed  whole number
 * @param name  tensor name
 */
export function tensorKey(seed: number, name: string): bigint {
  let hash = (0xcbf29ce484222325n ^ (BigInt(Math.trunc(seed)) * 0x9e3779b97f4a7c15n)) & mask;
  for (const byte of new TextEncoder().encode(name)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & mask;
  return hash;
}
