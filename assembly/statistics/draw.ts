/** Draws of initialisation laws: what a fresh network's weights are. */
import { NORMAL, UNIFORM } from './law';
import { tailToZ } from './pit';
import { uniformAt } from './random';

/** Phi(-2). */
const BELOW_CUT: f64 = 0.022750131948179195;

/**
 * Fills w with independent draws of a law, by inversion: w[i] depends on (key, first + i) alone.
 * @param n  weights
 * @param family  NORMAL, TRUNCATED or UNIFORM
 * @param scale  the law's scale
 * @param key  stream
 * @param first  index of w[0] in the stream
 * @param uniformTablePtr  the UNIFORM table of f64_pit_table
 * @param wPtr  w [n], f32
 */
export function f32_draw(
  n: usize,
  family: i32,
  scale: f64,
  key: u64,
  first: u64,
  uniformTablePtr: usize,
  wPtr: usize,
): void {
  for (let i: usize = 0; i < n; i++) {
    const u = uniformAt(key, first + i);
    let x = 2 * u - 1;
    if (family !== UNIFORM) {
      const p = family === NORMAL ? u : BELOW_CUT + u * (1 - 2 * BELOW_CUT);
      x = p <= 0.5 ? -tailToZ(uniformTablePtr, p) : tailToZ(uniformTablePtr, 1 - p);
    }
    store<f32>(wPtr + (i << 2), <f32>(scale * x));
  }
}
