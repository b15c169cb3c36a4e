/** Rounds after the first, which only warms up. */
const rounds = 7;

/**
 * Times calls in turns, so that a slow moment of the machine hits all of them.
 * @returns the median of each, in milliseconds
 */
export async function timeInTurns(calls: readonly (() => Promise<void>)[]): Promise<number[]> {
  const times: number[][] = calls.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, call] of calls.entries()) {
      const start = performance.now();
      await call();
      if (round > 0) times[i].push(performance.now() - start);
    }
  }
  return times.map((list) => list.sort((a, b) => a - b)[rounds >> 1]);
}
