/** k-means on points in the workspace. */
import type { TensorData } from '../runtime/tensor.js';
import type { Block } from '../runtime/workspace.js';
import { analysisKernels } from './analysis.js';
import { tensorKey } from './tensor-key.js';

/** Points [nodes, stride], of which the first `dims` coordinates count, and how many clusters they form. */
export interface Clustering {
  readonly nodes: number;
  readonly dims: number;
  readonly stride: number;
  readonly k: number;
}

/** Best of several starts of k-means, by distance: the cluster of each node. */
export function cluster(
  points: Block<'float64'>,
  { nodes, dims, stride, k }: Clustering,
  starts: number,
  seed: number,
): TensorData<'int32'> {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const labels = workspace.allocate('int32', nodes);
    const scratch = workspace.allocate('float64', k * dims + k + nodes);
    let best = Number.POSITIVE_INFINITY;
    let kept = new Int32Array(nodes);
    for (let start = 0; start < starts; start++) {
      const key = BigInt.asIntN(64, tensorKey(seed, `k-means ${k} ${start}`));
      const inertia = kernels.f64_kmeans(nodes, dims, points.ptr, stride, k, key, labels.ptr, scratch.ptr);
      if (inertia < best) [best, kept] = [inertia, workspace.copyOut(labels)];
    }
    return kept;
  });
}
