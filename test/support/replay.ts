/** Options of fast-check that repeat a failed run: set SEED to the seed that the failure printed. */
export const replay = process.env.SEED ? { seed: Number(process.env.SEED) } : {};
