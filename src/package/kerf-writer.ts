/**
 * Writes a `.kerf` package, a safetensors file whose tensors are padded to multiples of 64 bytes:
 *
 *     | u64 N | {"__metadata__":{..},"weight":{..},..} spaces | weight | zeros | weight | zeros | ..
 *
 * The same package always gives the same bytes.
 */
import type { Cascade } from '../runtime/cascade.js';
import { KerfError } from '../runtime/errors.js';
import { packageAlignmentBytes, packageVersion } from '../runtime/format/package-reader.js';
import { metadataKey, safetensorsDtypes } from '../runtime/format/safetensors.js';
import type { Plan, PlanWeight, Step, StepParam } from '../runtime/plan.js';
import { elementBytes } from '../runtime/tensor.js';
import { joinWeights } from './join-weights.js';
import type { Package } from './package.js';

const align = (bytes: number) => Math.ceil(bytes / packageAlignmentBytes) * packageAlignmentBytes;

/**
 * The bytes of a package.
 * @throws PACKAGE_INVALID when two weights share a name, or a number of the plan cannot be written
 */
export function encodePackage({ plan, cascade, certificate, source }: Package): Uint8Array<ArrayBuffer> {
  const metadata = {
    'kerf.version': packageVersion,
    'kerf.plan': JSON.stringify(planJson(plan)),
    ...(cascade && { 'kerf.cascade': JSON.stringify(cascadeJson(cascade)) }),
    'kerf.certificate': JSON.stringify(sortKeys(certificate)),
    'kerf.source': JSON.stringify(sortKeys(source)),
  };
  const header = new Map<string, unknown>([[metadataKey, metadata]]);
  let payloadBytes = 0;
  const weights = cascade ? joinWeights(plan.weights, cascade.plan.weights) : plan.weights;
  for (const { name, dtype, data } of weights) {
    if (header.has(name)) throw invalid(`weight "${name}"`, 'its name stands twice');
    const end = payloadBytes + align(data.byteLength);
    const shape = [(end - payloadBytes) / elementBytes(dtype)];
    header.set(name, { dtype: safetensorsDtypes[dtype], shape, data_offsets: [payloadBytes, end] });
    payloadBytes = end;
  }
  return assemble(new TextEncoder().encode(objectText(header)), payloadBytes, weights);
}

/** JSON of an object whose keys keep their order, also those that look like numbers. */
function objectText(fields: ReadonlyMap<string, unknown>): string {
  return `{${[...fields].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
}

function assemble(text: Uint8Array, payloadBytes: number, weights: readonly PlanWeight[]): Uint8Array<ArrayBuffer> {
  const start = align(8 + text.length);
  const bytes = new Uint8Array(start + payloadBytes);
  bytes.fill(0x20, 8, start);
  bytes.set(text, 8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  let at = start;
  for (const { data } of weights) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += align(data.byteLength);
  }
  return bytes;
}

function cascadeJson({ plan, rule: { outputs, decision, at, tau, maxFallbackRate, support } }: Cascade): unknown {
  const lists = support?.map(({ input, spans }) => ({ input, spans }));
  return { plan: planJson(plan), outputs, decision, at, tau, maxFallbackRate, ...(lists && { support: lists }) };
}

function planJson(plan: Plan): unknown {
  const { version, symbols, inputs, outputs, buffers, weights, steps, parts, rows } = plan;
  const port = ({ name, dtype, shape, buffer }: Plan['inputs'][number]) => ({ name, dtype, shape, buffer });
  return {
    version,
    symbols,
    inputs: inputs.map(port),
    outputs: outputs.map(port),
    buffers: buffers.map(({ dtype, size }) => ({ dtype, size })),
    weights: weights.map(({ name, dtype, shape, layout }) => ({ name, dtype, shape, layout })),
    steps: steps.map(stepJson),
    parts: parts.map(({ id, first, end, after }) => ({ id, first, end, after })),
    rows,
  };
}

function stepJson(step: Step): unknown {
  const params: Record<string, StepParam> = {};
  for (const name of Object.keys(step.params).sort()) {
    const written = writableParam(step, name);
    if (written) params[written[0]] = written[1];
  }
  const { kind, reads, writes, node } = step;
  return { kind, reads, writes, params, ...(node === undefined ? {} : { node }) };
}

const floatBits = new DataView(new ArrayBuffer(4));

/** JSON has no infinities: an open bound is left out, and a fill value is given by its bits. */
function writableParam(step: Step, name: string): readonly [string, StepParam] | null {
  const param = step.params[name];
  if (typeof param !== 'object' || !('real' in param) || Number.isFinite(param.real)) return [name, param];
  const isOpen =
    (['lo', 'alpha'].includes(name) && param.real === Number.NEGATIVE_INFINITY) ||
    (['hi', 'beta'].includes(name) && param.real === Number.POSITIVE_INFINITY);
  const isBound = step.kind === 'gemm' || step.params['f'] === 'clip';
  if (isOpen && isBound) return null;
  if (step.kind === 'fill' && name === 'value') {
    floatBits.setFloat32(0, param.real);
    return ['bits', floatBits.getInt32(0)];
  }
  throw invalid(`node "${step.node ?? step.kind}"`, `param "${name}" cannot be written: got ${param.real}`);
}

/** The same value with the keys of every object in order. */
function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, entry]) => [key, sortKeys(entry)]));
}

function invalid(where: string, problem: string): KerfError {
  return new KerfError('PACKAGE_INVALID', where, `${problem}. Rename or replace it.`);
}
