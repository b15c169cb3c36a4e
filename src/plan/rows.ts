/** Finds the symbol along which a whole graph computes row by row, so that a run may be cut into chunks of rows. */

import { symbolsOf } from '../graph/cost.js';
import type { Fact, Graph } from '../graph/graph.js';
import type { Facts } from '../graph/infer.js';
import { findOperator } from '../graph/operators/index.js';
import { type Extent, equals, symbol } from '../runtime/extent.js';

const mentions = (extent: Extent, name: string) => symbolsOf(extent).includes(name);

/** Rows stand first: one term with the symbol once, as in batch or 4*batch, and the symbol nowhere else. */
function hasRows({ shape: [first, ...rest] }: Fact, name: string): boolean {
  if (first === undefined || typeof first === 'number' || first.length !== 1) return false;
  const isOnce = first[0].filter((factor) => factor === name).length === 1;
  return isOnce && !rest.some((dim) => mentions(dim, name));
}

const isFree = ({ shape }: Fact, name: string) => !shape.some((dim) => mentions(dim, name));

/** Whether every node maps rows to rows. */
function keepsRows(graph: Graph, facts: Facts, name: string): boolean {
  return graph.nodes.every((node) => {
    const lookup = (value: string) => (value === '' ? undefined : facts.get(value));
    const inputs = node.inputs.map(lookup);
    const outputs = node.outputs.map(lookup).filter((fact) => fact !== undefined);
    if (outputs.every((fact) => fact.constant)) return true;
    const given = inputs.filter((fact) => fact !== undefined);
    // Sizes that a Reshape takes as an input are no rows: they follow the chunk.
    if (given.some((fact) => fact.extents?.some((extent) => mentions(extent, name)))) return false;
    if (given.every((fact) => isFree(fact, name))) return outputs.every((fact) => isFree(fact, name) && !fact.extents);
    if (![...given, ...outputs].every((fact) => hasRows(fact, name) || isFree(fact, name))) return false;
    if (!outputs.every((fact) => hasRows(fact, name))) return false;
    return findOperator(node, graph.opset)?.rowIndependent?.(node, inputs, outputs) ?? false;
  });
}

/** The symbol of {@link Plan.rows}, or null. */
export function findRows(graph: Graph, facts: Facts): string | null {
  const ports = [...graph.inputs, ...graph.outputs].map(({ name }) => facts.get(name)!);
  const first = ports[0]?.shape[0];
  const name = first === undefined || typeof first === 'number' ? undefined : symbolsOf(first)[0];
  if (name === undefined) return null;
  const areRows = ports.every((fact) => equals(fact.shape[0] ?? 0, symbol(name)) && hasRows(fact, name));
  return areRows && keepsRows(graph, facts, name) ? name : null;
}
