/** Block structure of a symmetric matrix: evidence between nodes, k-means on spectral coordinates, block means. */
import { uniformAt } from './random';

/**
 * S[i, j] = (x[i, j] + x[j, i]) / 2 - mean of all off-diagonal entries; the diagonal is 0.
 * @param d  nodes
 * @param xPtr  x [d, d], f64, for example -ln p of each edge; not overlapping S
 * @param sPtr  S [d, d], f64
 * @returns the standard deviation of the off-diagonal entries of S
 */
export function f64_symmetrise(d: usize, xPtr: usize, sPtr: usize): f64 {
  let sum: f64 = 0;
  for (let i: usize = 0; i < d; i++) {
    for (let j: usize = 0; j < i; j++) {
      const value = 0.5 * (load<f64>(xPtr + ((i * d + j) << 3)) + load<f64>(xPtr + ((j * d + i) << 3)));
      store<f64>(sPtr + ((i * d + j) << 3), value);
      sum += value;
    }
  }
  const pairs = 0.5 * <f64>d * <f64>(d - 1);
  const mean = sum / pairs;
  let squares: f64 = 0;
  for (let i: usize = 0; i < d; i++) {
    store<f64>(sPtr + ((i * d + i) << 3), 0);
    for (let j: usize = 0; j < i; j++) {
      const value = load<f64>(sPtr + ((i * d + j) << 3)) - mean;
      store<f64>(sPtr + ((i * d + j) << 3), value);
      store<f64>(sPtr + ((j * d + i) << 3), value);
      squares += value * value;
    }
  }
  return Math.sqrt(squares / pairs);
}

/**
 * x[i, j] = G[i, j]^2 / (G[i, i] G[j, j]): squared correlations of vectors of mean 0 from their Gram matrix; 0 where a
 * vector is zero.
 * @param d  vectors
 * @param gPtr  G [d, d], f64
 * @param xPtr  x [d, d], f64; not overlapping G
 */
export function f64_squared_correlations(d: usize, gPtr: usize, xPtr: usize): void {
  for (let i: usize = 0; i < d; i++) {
    const gi = load<f64>(gPtr + ((i * d + i) << 3));
    for (let j: usize = 0; j < d; j++) {
      const product = gi * load<f64>(gPtr + ((j * d + j) << 3));
      const g = load<f64>(gPtr + ((i * d + j) << 3));
      store<f64>(xPtr + ((i * d + j) << 3), product > 0 ? (g * g) / product : 0);
    }
  }
}

/**
 * Normalised affinity D^-1/2 A D^-1/2 with A[i, j] = max(x[i, j] - least, 0), D its row sums; the diagonal is 0.
 * @param d  nodes
 * @param xPtr  x [d, d], f64, symmetric; not overlapping the results
 * @param outPtr  [d, d], f64
 * @param degreesPtr  row sums of A, f64 [d]; the affinities of a node whose sum is 0 are 0
 */
export function f64_affinity(d: usize, xPtr: usize, least: f64, outPtr: usize, degreesPtr: usize): void {
  for (let i: usize = 0; i < d; i++) {
    let sum: f64 = 0;
    for (let j: usize = 0; j < d; j++) {
      const at = (i * d + j) << 3;
      const value = i === j ? 0 : max<f64>(load<f64>(xPtr + at) - least, 0);
      store<f64>(outPtr + at, value);
      sum += value;
    }
    store<f64>(degreesPtr + (i << 3), sum);
  }
  for (let i: usize = 0; i < d; i++) {
    const degree = load<f64>(degreesPtr + (i << 3));
    for (let j: usize = 0; j < d; j++) {
      const at = outPtr + ((i * d + j) << 3);
      const product = degree * load<f64>(degreesPtr + (j << 3));
      store<f64>(at, product > 0 ? load<f64>(at) / Math.sqrt(product) : 0);
    }
  }
}

/**
 * Residual sum of squares of S over pairs i > j when pairs within a block share one mean and pairs across another.
 * @param d  nodes
 * @param sPtr  S [d, d], f64
 * @param labelsPtr  i32 [d]
 */
export function f64_two_mean_residual(d: usize, sPtr: usize, labelsPtr: usize): f64 {
  let squares: f64 = 0;
  let within: f64 = 0;
  let withinCount: f64 = 0;
  let across: f64 = 0;
  let acrossCount: f64 = 0;
  for (let i: usize = 0; i < d; i++) {
    const label = load<i32>(labelsPtr + (i << 2));
    for (let j: usize = 0; j < i; j++) {
      const value = load<f64>(sPtr + ((i * d + j) << 3));
      squares += value * value;
      if (load<i32>(labelsPtr + (j << 2)) === label) {
        within += value;
        withinCount += 1;
      } else {
        across += value;
        acrossCount += 1;
      }
    }
  }
  if (withinCount > 0) squares -= (within * within) / withinCount;
  if (acrossCount > 0) squares -= (across * across) / acrossCount;
  return squares;
}

/** Squared distance of two points of `dims` coordinates. */
function distance2(dims: usize, xPtr: usize, yPtr: usize): f64 {
  let sum: f64 = 0;
  for (let k: usize = 0; k < dims; k++) {
    const change = load<f64>(xPtr + (k << 3)) - load<f64>(yPtr + (k << 3));
    sum += change * change;
  }
  return sum;
}

/** Takes k points as centres, each with a chance in proportion to its squared distance from those before it. */
function seedCentres(
  n: usize,
  dims: usize,
  xPtr: usize,
  stride: usize,
  k: usize,
  key: u64,
  centresPtr: usize,
  nearestPtr: usize,
): void {
  const first = min<usize>(<usize>(uniformAt(key, 0) * <f64>n), n - 1);
  memory.copy(centresPtr, xPtr + ((first * stride) << 3), dims << 3);
  for (let i: usize = 0; i < n; i++) {
    store<f64>(nearestPtr + (i << 3), distance2(dims, xPtr + ((i * stride) << 3), centresPtr));
  }
  for (let c: usize = 1; c < k; c++) {
    let total: f64 = 0;
    for (let i: usize = 0; i < n; i++) total += load<f64>(nearestPtr + (i << 3));
    let left = uniformAt(key, c) * total;
    let pick: usize = 0;
    while (pick + 1 < n) {
      left -= load<f64>(nearestPtr + (pick << 3));
      if (left < 0) break;
      pick++;
    }
    const centre = centresPtr + ((c * dims) << 3);
    memory.copy(centre, xPtr + ((pick * stride) << 3), dims << 3);
    for (let i: usize = 0; i < n; i++) {
      const near = nearestPtr + (i << 3);
      store<f64>(near, min<f64>(load<f64>(near), distance2(dims, xPtr + ((i * stride) << 3), centre)));
    }
  }
}

/**
 * k-means by Lloyd's iteration from a seeded start.
 * @param n  points
 * @param dims  coordinates that count
 * @param xPtr  points [n, stride], f64
 * @param stride  elements between points, >= dims
 * @param k  clusters, 1..n
 * @param key  stream of the start
 * @param labelsPtr  out, i32 [n]
 * @param scratchPtr  k * dims + k + n f64
 * @returns sum of squared distances to the centres
 */
export function f64_kmeans(
  n: usize,
  dims: usize,
  xPtr: usize,
  stride: usize,
  k: usize,
  key: u64,
  labelsPtr: usize,
  scratchPtr: usize,
): f64 {
  const centresPtr = scratchPtr;
  const sizesPtr = centresPtr + ((k * dims) << 3);
  const nearestPtr = sizesPtr + (k << 3);
  seedCentres(n, dims, xPtr, stride, k, key, centresPtr, nearestPtr);
  let inertia: f64 = Infinity;
  for (let step = 0; step < 50; step++) {
    let sum: f64 = 0;
    for (let i: usize = 0; i < n; i++) {
      let best: f64 = Infinity;
      let label: usize = 0;
      for (let c: usize = 0; c < k; c++) {
        const distance = distance2(dims, xPtr + ((i * stride) << 3), centresPtr + ((c * dims) << 3));
        if (distance < best) {
          best = distance;
          label = c;
        }
      }
      store<i32>(labelsPtr + (i << 2), <i32>label);
      sum += best;
    }
    if (!(sum < inertia * (1 - 1e-12))) break;
    inertia = sum;
    moveCentres(n, dims, xPtr, stride, k, labelsPtr, centresPtr, sizesPtr);
  }
  return inertia;
}

/** Each centre becomes the mean of its points; an empty one stays where it is. */
function moveCentres(
  n: usize,
  dims: usize,
  xPtr: usize,
  stride: usize,
  k: usize,
  labelsPtr: usize,
  centresPtr: usize,
  sizesPtr: usize,
): void {
  memory.fill(sizesPtr, 0, k << 3);
  for (let i: usize = 0; i < n; i++) {
    const size = sizesPtr + ((<usize>load<i32>(labelsPtr + (i << 2))) << 3);
    store<f64>(size, load<f64>(size) + 1);
  }
  for (let c: usize = 0; c < k; c++) {
    if (load<f64>(sizesPtr + (c << 3)) > 0) memory.fill(centresPtr + ((c * dims) << 3), 0, dims << 3);
  }
  for (let i: usize = 0; i < n; i++) {
    const label = <usize>load<i32>(labelsPtr + (i << 2));
    const inverse = 1 / load<f64>(sizesPtr + (label << 3));
    for (let j: usize = 0; j < dims; j++) {
      const centre = centresPtr + ((label * dims + j) << 3);
      store<f64>(centre, load<f64>(centre) + inverse * load<f64>(xPtr + ((i * stride + j) << 3)));
    }
  }
}
