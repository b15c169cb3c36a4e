/** Drops steps whose results nobody reads, and the buffers and weights that are then unused. */
import type { Operand, PlanPort } from '../runtime/plan.js';
import type { Builder, PlacedStep } from './builder.js';

interface Pruned {
  readonly steps: readonly PlacedStep[];
  readonly buffers: Builder['buffers'];
  readonly weights: Builder['weights'];
  readonly inputs: readonly PlanPort[];
  readonly outputs: readonly PlanPort[];
}

/** Steps from which an output follows; every writer of a live buffer is kept, also one of a part of it. */
function liveSteps(steps: readonly PlacedStep[], outputs: readonly PlanPort[]): readonly PlacedStep[] {
  const live = new Set(outputs.map(({ buffer }) => buffer));
  const kept: PlacedStep[] = [];
  for (const step of [...steps].reverse()) {
    if (!step.writes.some((operand) => 'buffer' in operand && live.has(operand.buffer))) continue;
    for (const operand of step.reads) if ('buffer' in operand) live.add(operand.buffer);
    kept.push(step);
  }
  return kept.reverse();
}

/** New numbers, in the old order, of the entries that are used. */
function renumber(used: ReadonlySet<number>): ReadonlyMap<number, number> {
  return new Map([...used].sort((a, b) => a - b).map((old, now) => [old, now]));
}

export function prune(builder: Builder, inputs: readonly PlanPort[], outputs: readonly PlanPort[]): Pruned {
  const steps = liveSteps(builder.steps, outputs);
  const operands = steps.flatMap(({ reads, writes }) => [...reads, ...writes]);
  const ports = [...inputs, ...outputs].map(({ buffer }) => buffer);
  const bufferOf = renumber(new Set([...ports, ...operands.flatMap((one) => ('buffer' in one ? [one.buffer] : []))]));
  const weightOf = renumber(new Set(operands.flatMap((one) => ('weight' in one ? [one.weight] : []))));
  const moved = (operand: Operand): Operand =>
    'buffer' in operand
      ? { ...operand, buffer: bufferOf.get(operand.buffer)! }
      : { ...operand, weight: weightOf.get(operand.weight)! };
  const movedPort = (port: PlanPort): PlanPort => ({ ...port, buffer: bufferOf.get(port.buffer)! });
  return {
    steps: steps.map((step) => ({ ...step, reads: step.reads.map(moved), writes: step.writes.map(moved) })),
    buffers: [...bufferOf.keys()].map((old) => builder.buffers[old]),
    weights: [...weightOf.keys()].map((old) => builder.weights[old]),
    inputs: inputs.map(movedPort),
    outputs: outputs.map(movedPort),
  };
}
