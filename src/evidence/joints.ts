/**
 * Joints of a network: the hidden units of a layer that may be rescaled without changing what the network computes.
 *
 *     previous units ─▶ | W [units, n] | ─▶ units ─▶ | next W [m, units] | ─▶ next units
 *          / c_j              rows x c_i              columns / c_i
 */
import type { Layer } from '../graph/layers.js';
import type { Law } from './laws.js';
import { hasScores } from './laws.js';
import type { TensorInput } from './tensor-input.js';

/** A tensor at a joint, with the law that gives its unit of measure. */
export interface Part {
  readonly input: TensorInput;
  readonly law: Law;
  /** Joint whose units its rows (of a bias: its columns) belong to; -1 for none. */
  own: number;
  /** Joint whose units feed its columns; -1 for none. */
  source: number;
}

export interface Joint {
  readonly layer: string;
  readonly units: number;
  readonly incoming: Part;
  readonly bias: Part | null;
  readonly outgoing: readonly Part[];
  /** Weights of one unit on the way in, bias included, and on the way out. */
  readonly incomingCount: number;
  readonly outgoingCount: number;
  /** Index of the joint whose units feed it, or its own where none do. */
  readonly component: number;
}

/** Names of tensors that more than one layer uses: rescaling one use would change the other. */
function sharedTensors(layers: readonly Layer[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  for (const name of layers.flatMap(({ tensor, biasTensor }) => (biasTensor ? [tensor, biasTensor] : [tensor]))) {
    if (seen.has(name)) shared.add(name);
    seen.add(name);
  }
  return shared;
}

/** Layers between the first of a chain and this one. */
function depthOf(layer: Layer, byName: ReadonlyMap<string, Layer>): number {
  let depth = 0;
  for (let at = byName.get(layer.previous[0]); at && depth <= byName.size; at = byName.get(at.previous[0])) depth++;
  return depth;
}

/**
 * The joints of a network, from its inputs to its outputs, independent of the order of `layers`.
 * Left out: units whose scale something else reads, tensors without a law that has scores, shared tensors, and quantised
 * ones, whose step would differ by row.
 * @param lawOf  law of a tensor; null where it has none
 */
export function jointsOf(
  layers: readonly Layer[],
  inputs: readonly TensorInput[],
  lawOf: (input: TensorInput) => Law | null,
): Joint[] {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const shared = sharedTensors(layers);
  const parts = new Map<string, Part>();
  for (const input of inputs) {
    const law = lawOf(input);
    if (law && hasScores(law) && input.step === 0 && !shared.has(input.name)) {
      parts.set(input.name, { input, law, own: -1, source: -1 });
    }
  }
  const joints: Joint[] = [];
  const ordered = layers
    .filter(({ isRescalable, kind }) => isRescalable && kind === 'linear')
    .map((layer) => ({ layer, depth: depthOf(layer, byName) }))
    .sort((a, b) => a.depth - b.depth || (a.layer.name < b.layer.name ? -1 : 1));
  for (const { layer } of ordered) {
    const joint = jointOf(layer, byName, parts, shared, joints.length);
    if (joint) joints.push(joint);
  }
  return joints;
}

function jointOf(
  layer: Layer,
  byName: ReadonlyMap<string, Layer>,
  parts: ReadonlyMap<string, Part>,
  shared: ReadonlySet<string>,
  index: number,
): Joint | null {
  const units = layer.weight.dims[0];
  const following = layer.next.map((name) => byName.get(name));
  if (following.length === 0 || following.some((next) => next?.kind !== 'linear' || next.weight.dims[1] !== units)) {
    return null;
  }
  const incoming = parts.get(layer.tensor);
  const outgoing = following.map((next) => parts.get(next!.tensor));
  if (!incoming || outgoing.includes(undefined) || (layer.biasTensor && shared.has(layer.biasTensor))) return null;
  const bias = layer.biasTensor ? (parts.get(layer.biasTensor) ?? null) : null;
  for (const part of [incoming, bias]) if (part) part.own = index;
  for (const part of outgoing) part!.source = index;
  return {
    layer: layer.name,
    units,
    incoming,
    bias,
    outgoing: outgoing as Part[],
    incomingCount: layer.weight.dims[1] + (bias ? 1 : 0),
    outgoingCount: outgoing.reduce((sum, part) => sum + part!.input.rows, 0),
    component: incoming.source >= 0 ? incoming.source : index,
  };
}

/** The first joint of a joint's component. */
export function componentOf(joints: readonly Joint[], joint: Joint): number {
  let at = joint;
  while (joints[at.component] !== at) at = joints[at.component];
  return at.component;
}
