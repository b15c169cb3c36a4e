/** Reads a plan from its JSON: types, ranges, names; what the steps do is checked by check-plan.ts. */

import { stepKinds } from '#step-kinds';
import { weightLength } from '../bind-plan.js';
import { KerfError } from '../errors.js';
import {
  type Operand,
  type Plan,
  type PlanPort,
  type PlanWeight,
  planVersion,
  type Step,
  type StepParam,
} from '../plan.js';
import { referenceKind } from '../reference.js';
import { elementBytes, viewOf } from '../tensor.js';
import type { Safetensors } from './safetensors.js';
import * as schema from './schema.js';

/** Longest lists of a plan. */
const limits = {
  symbols: 64,
  ports: 4096,
  buffers: 200_000,
  weights: 100_000,
  steps: 200_000,
  parts: 4095,
  params: 64,
};

type Symbols = ReadonlySet<string>;

/**
 * The plan that `json` holds, its weights as views of the payload.
 * @throws PACKAGE_VERSION for a version, field or step kind that is not known; PACKAGE_INVALID for everything else
 */
export function readPlan(json: unknown, file: Safetensors): Plan {
  const version = (json as { version?: unknown } | null)?.version;
  if (version !== planVersion) {
    throw new KerfError(
      'PACKAGE_VERSION',
      'plan',
      `unknown version: got ${schema.describe(version)}, expected ${planVersion}. Use another version of kerf.`,
    );
  }
  const names = ['version', 'symbols', 'inputs', 'outputs', 'buffers', 'weights', 'steps', 'parts', 'rows'];
  const fields = schema.readFields(json, 'plan', names);
  const symbolList = schema.readList(fields['symbols'], 'symbols', limits.symbols, schema.readString);
  const symbols: Symbols = new Set(symbolList);
  if (symbols.size !== symbolList.length) throw schema.invalid('symbols', 'one stands twice');
  const rows = fields['rows'] === null ? null : schema.readString(fields['rows'], 'rows');
  if (rows !== null && !symbols.has(rows)) throw schema.invalid('rows', `unknown symbol: got "${rows}"`);
  const readPorts = (value: unknown, where: string) =>
    schema.readList(value, where, limits.ports, (entry, at) => readPort(entry, at, symbols));
  return {
    version: planVersion,
    symbols: symbolList,
    inputs: readPorts(fields['inputs'], 'inputs'),
    outputs: readPorts(fields['outputs'], 'outputs'),
    buffers: schema.readList(fields['buffers'], 'buffers', limits.buffers, (entry, at) =>
      readBuffer(entry, at, symbols),
    ),
    weights: schema.readList(fields['weights'], 'weights', limits.weights, (entry, at) => readWeight(entry, at, file)),
    steps: schema.readList(fields['steps'], 'steps', limits.steps, (entry, at) => readStep(entry, at, symbols)),
    parts: schema.readList(fields['parts'], 'parts', limits.parts, readPart),
    rows,
  };
}

function readPort(value: unknown, where: string, symbols: Symbols): PlanPort {
  const fields = schema.readFields(value, where, ['name', 'dtype', 'shape', 'buffer']);
  return {
    name: schema.readString(fields['name'], where),
    dtype: schema.readDtype(fields['dtype'], where),
    shape: schema.readShape(fields['shape'], where, symbols),
    buffer: schema.readCount(fields['buffer'], where),
  };
}

function readBuffer(value: unknown, where: string, symbols: Symbols): Plan['buffers'][number] {
  const fields = schema.readFields(value, where, ['dtype', 'size']);
  return { dtype: schema.readDtype(fields['dtype'], where), size: schema.readExtent(fields['size'], where, symbols) };
}

function readWeight(value: unknown, where: string, file: Safetensors): PlanWeight {
  const fields = schema.readFields(value, where, ['name', 'dtype', 'shape', 'layout']);
  const name = schema.readString(fields['name'], where);
  const dtype = schema.readDtype(fields['dtype'], where);
  const shape = schema.readList(fields['shape'], where, 16, schema.readCount);
  const layout = schema.readString(fields['layout'], where);
  if (layout !== 'plain' && layout !== 'panels' && layout !== 'panels-int8') {
    throw new KerfError('PACKAGE_VERSION', where, `unknown layout: got "${layout}". Use a newer version of kerf.`);
  }
  const panelDtypes = layout === 'panels' ? ['float32', 'float16'] : ['int8'];
  if (layout !== 'plain' && (shape.length !== 2 || !panelDtypes.includes(dtype))) {
    throw schema.invalid(where, `${layout} must be a matrix of ${panelDtypes.join(' or ')}: got ${dtype} [${shape}]`);
  }
  return { name, dtype, shape, layout, data: weightData(name, dtype, weightLength(shape, layout), file) };
}

/** The first `length` elements of a stored tensor, which is padded to a multiple of 64 bytes with zeros. */
function weightData(name: string, dtype: PlanWeight['dtype'], length: number, file: Safetensors): PlanWeight['data'] {
  const where = `weight "${name}"`;
  const stored = file.tensors.get(name);
  if (!stored) throw schema.invalid(where, 'it is not in the file');
  const dataBytes = length * elementBytes(dtype);
  const storedBytes = stored.end - stored.begin;
  if (stored.dtype !== dtype || stored.shape.length !== 1 || storedBytes !== Math.ceil(dataBytes / 64) * 64) {
    throw schema.invalid(
      where,
      `it differs from the plan: got ${stored.dtype} [${stored.shape}], expected ${length} ${dtype}`,
    );
  }
  const padding = file.payload.subarray(stored.begin + dataBytes, stored.end);
  if (padding.some((byte) => byte !== 0)) throw schema.invalid(where, 'its padding is not zero');
  return viewOf(dtype, file.payload.buffer, file.payload.byteOffset + stored.begin, length);
}

function readOperand(value: unknown, where: string, symbols: Symbols): Operand {
  const fields = schema.readFields(value, where, [], ['buffer', 'weight', 'offset']);
  const [buffer, weight] = [fields['buffer'], fields['weight']];
  if ((buffer === undefined) === (weight === undefined)) throw schema.invalid(where, 'expected a buffer or a weight');
  const offset = fields['offset'] === undefined ? {} : { offset: schema.readExtent(fields['offset'], where, symbols) };
  if (buffer !== undefined) return { buffer: schema.readCount(buffer, where), ...offset };
  return { weight: schema.readCount(weight, where), ...offset };
}

function readStep(value: unknown, where: string, symbols: Symbols): Step {
  const fields = schema.readFields(value, where, ['kind', 'reads', 'writes', 'params'], ['node']);
  const kind = schema.readString(fields['kind'], where);
  if (kind !== referenceKind && !stepKinds.has(kind)) {
    throw new KerfError('PACKAGE_VERSION', where, `unknown step kind: got "${kind}". Use a newer version of kerf.`);
  }
  const readOperands = (list: unknown) =>
    schema.readList(list, where, 64, (entry, at) => readOperand(entry, at, symbols));
  const params = schema.readFields(fields['params'], where, [], Object.keys(fields['params'] ?? {}));
  if (Object.keys(params).length > limits.params) throw schema.invalid(where, 'it has too many params');
  const step = {
    kind,
    reads: readOperands(fields['reads']),
    writes: readOperands(fields['writes']),
    params: Object.fromEntries(Object.entries(params).map(([name, param]) => [name, readParam(param, where, symbols)])),
    ...(fields['node'] === undefined ? {} : { node: schema.readString(fields['node'], where) }),
  };
  if (kind === referenceKind) checkReference(step, where, symbols);
  return step;
}

function readParam(value: unknown, where: string, symbols: Symbols): StepParam {
  if (typeof value === 'string') return schema.readString(value, where);
  if (Array.isArray(value)) {
    const isTerms = value.length > 0 && value.every((term) => Array.isArray(term) && typeof term[0] === 'number');
    return isTerms
      ? schema.readExtent(value, where, symbols)
      : schema.readList(value, where, 64, (entry, at) => schema.readExtent(entry, at, symbols));
  }
  if (typeof value === 'number') return schema.readExtent(value, where, symbols);
  const { real, json } = schema.readFields(value, where, [], ['real', 'json']);
  if (json !== undefined && real === undefined) return { json };
  if (typeof real !== 'number' || json !== undefined)
    throw schema.invalid(where, `malformed param: got ${schema.describe(value)}`);
  return { real };
}

function checkReference({ params }: Step, where: string, symbols: Symbols): void {
  schema.readString(params['op'], where);
  for (const name of ['readShapes', 'writeShapes']) {
    const shapes = (params[name] as { json?: unknown } | undefined)?.json;
    schema.readList(shapes, where, 64, (shape, at) => schema.readShape(shape, at, symbols));
  }
}

function readPart(value: unknown, where: string): Plan['parts'][number] {
  const fields = schema.readFields(value, where, ['id', 'first', 'end', 'after']);
  return {
    id: schema.readCount(fields['id'], where),
    first: schema.readCount(fields['first'], where),
    end: schema.readCount(fields['end'], where),
    after: schema.readList(fields['after'], where, limits.parts, schema.readCount),
  };
}
