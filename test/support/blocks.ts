/** Networks of one residual d-md-d block, with weights drawn from normal laws. */

import { analysisKernels } from '../../src/evidence/analysis.js';
import { type Law, tensorKey } from '../../src/evidence/index.js';
import { draw } from '../../src/evidence/scores.js';
import type { Graph } from '../../src/graph/graph.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { makeGraph, node, vector } from './networks.js';

/** The two matrices of a block: up [m d, d], down [d, m d]. */
export interface BlockWeights {
  readonly d: number;
  readonly m: number;
  readonly up: Float32Array<ArrayBuffer>;
  readonly down: Float32Array<ArrayBuffer>;
}

/** Independent normal numbers of a standard deviation. */
export function normalWeights(seed: number, name: string, count: number, scale = 1): Float32Array<ArrayBuffer> {
  const { workspace } = analysisKernels();
  const law: Law = { name: 'normal', family: 'normal', scale, std: scale };
  return workspace.scope(() => {
    const block = workspace.allocate('float32', count);
    draw(law, tensorKey(seed, name), block);
    return workspace.copyOut(block);
  });
}

/** A block fresh from N(0, sigma^2). */
export function freshBlock(seed: number, d: number, m: number, sigma: number): BlockWeights {
  const size = m * d * d;
  return { d, m, up: normalWeights(seed, 'up', size, sigma), down: normalWeights(seed, 'down', size, sigma) };
}

/** y = x + down relu(up x). */
export function blockGraph({ d, m, up, down }: BlockWeights): Graph {
  const nodes = [
    node('up', 'Linear', ['x', 'up.weight', 'up.bias'], 'h', 'kerf'),
    node('relu', 'Relu', ['h'], 'a'),
    node('down', 'Linear', ['a', 'down.weight', 'down.bias'], 'r', 'kerf'),
    node('sum', 'Add', ['x', 'r'], 'y'),
  ];
  return makeGraph({ x: d }, nodes, {
    'up.weight': new Tensor('float32', up, [m * d, d]),
    'up.bias': vector(new Array(m * d).fill(0)),
    'down.weight': new Tensor('float32', down, [d, m * d]),
    'down.bias': vector(new Array(d).fill(0)),
  });
}

/** The block with its hidden units in another order, each multiplied by a positive number on the way in. */
export function reorderHidden(
  { d, m, up, down }: BlockWeights,
  order: readonly number[],
  scale: (unit: number) => number = () => 1,
): BlockWeights {
  const width = m * d;
  const movedUp = new Float32Array(up.length);
  const movedDown = new Float32Array(down.length);
  order.forEach((from, to) => {
    for (let i = 0; i < d; i++) {
      movedUp[to * d + i] = up[from * d + i] * scale(from);
      movedDown[i * width + to] = down[i * width + from] / scale(from);
    }
  });
  return { d, m, up: movedUp, down: movedDown };
}
