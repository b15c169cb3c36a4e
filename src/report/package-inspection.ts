/** What a package contains: its ports, steps, parts and weights, where it came from, and its certificate. */

import type { Certificate } from '../annealing/annealing.js';
import { readCertificate } from '../annealing/read-certificate.js';
import type { CascadeRule } from '../runtime/cascade.js';
import { formatExtent } from '../runtime/extent.js';
import type { DecodedPackage } from '../runtime/format/package-reader.js';
import type { Plan, PlanPort } from '../runtime/plan.js';
import { elementCount } from '../runtime/tensor.js';
import { formatCertificate } from './annealing.js';
import { formatShape, type InspectedPort, type InspectedTensor } from './inspection.js';
import { count, short } from './numbers.js';
import { formatFacts, formatTable, heading } from './table.js';

export interface PackageInspection {
  readonly format: 'kerf';
  readonly inputs: readonly InspectedPort[];
  readonly outputs: readonly InspectedPort[];
  /** Elements of all weights, biases included, padding not. */
  readonly parameters: number;
  /** Step counts by kind. */
  readonly ops: Readonly<Record<string, number>>;
  readonly unsupported: readonly string[];
  readonly tensors: readonly InspectedTensor[];
  /** Steps of each part, and the parts it waits for. */
  readonly parts: readonly { readonly id: number; readonly steps: number; readonly after: readonly number[] }[];
  /** When the original runs, and its parameters; null where it is not carried. */
  readonly cascade: (CascadeRule & { readonly parameters: number }) | null;
  readonly source: Readonly<Record<string, unknown>>;
  readonly certificate: Certificate | null;
}

function inspectPort({ name, dtype, shape }: PlanPort): InspectedPort {
  return { name, dtype, shape: shape.map((dim) => (typeof dim === 'number' ? dim : formatExtent(dim))) };
}

function countKinds(kinds: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function countElements({ weights }: Plan): number {
  // Panels hold a bias for each row.
  const sizes = weights.map(({ shape, layout }) => elementCount(shape) + (layout === 'plain' ? 0 : shape[0]));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Describes a package as it was read: plain data, ready for JSON. */
export function inspectPackage({ plan, cascade, certificate, source }: DecodedPackage): PackageInspection {
  return {
    format: 'kerf',
    inputs: plan.inputs.map(inspectPort),
    outputs: plan.outputs.map(inspectPort),
    parameters: countElements(plan),
    ops: countKinds(plan.steps.map(({ kind }) => kind)),
    unsupported: [],
    tensors: plan.weights.map(({ name, shape, dtype }) => ({ name, shape, dtype, role: 'weight' })),
    parts: plan.parts.map(({ id, first, end, after }) => ({ id, steps: end - first, after })),
    cascade: cascade && { ...cascade.rule, parameters: countElements(cascade.plan) },
    source,
    certificate: readCertificate(certificate),
  };
}

const formatPort = ({ name, dtype, shape }: InspectedPort) => `${name} ${dtype} ${formatShape(shape)}`;

/** Which rows a cascade gives to the original. */
function reasonsOf({ outputs, tau, support }: CascadeRule): string {
  const margins = outputs.length > 0 ? [`margins below ${short(tau)}`] : [];
  return [...margins, ...(support ? ['inputs outside the support'] : [])].join(' and ');
}

/** What `kerf inspect PACKAGE` prints. */
export function formatPackageInspection(inspection: PackageInspection): string {
  const { ops, tensors, source, certificate, parts, cascade } = inspection;
  const facts = formatFacts([
    ['format', 'kerf package'],
    ['made by', String(source['tool'])],
    ['from model', String(source['model'])],
    ...inspection.inputs.map((port) => ['input', formatPort(port)] as const),
    ...inspection.outputs.map((port) => ['output', formatPort(port)] as const),
    ['parameters', count(inspection.parameters)],
    ['cascade', cascade && `${reasonsOf(cascade)} run the original (${count(cascade.parameters)} parameters)`],
    ['parts', parts.length],
    [
      'steps',
      Object.entries(ops)
        .map(([name, n]) => (n === 1 ? name : `${name} x${n}`))
        .join(', '),
    ],
  ]);
  const rows = tensors.map(({ name, shape, dtype }) => [name, formatShape(shape), dtype]);
  const table = formatTable([{ head: 'tensor' }, { head: 'shape' }, { head: 'dtype' }], rows);
  return facts + heading('Tensors') + table + (certificate ? formatCertificate(certificate) : '');
}
