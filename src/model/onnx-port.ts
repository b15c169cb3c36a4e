/** ValueInfoProto -> Port: dtype and shape of a graph's input or output. */
import type { Port } from '../graph/graph.js';
import type { DimensionMessage, TypeMessage, ValueInfoMessage } from '../graph/protobuf/onnx-schema.js';
import { KerfError } from '../runtime/errors.js';
import { type Extent, symbol } from '../runtime/extent.js';
import { tooLarge } from './dimensions.js';
import type { ModelLimits } from './limits.js';
import { dtypeOf } from './onnx-tensor.js';
import { quote } from './quote.js';
import { UniqueNames } from './unique-names.js';

/** Names for unnamed dimensions that the file's own names do not use. */
export function dimensionNames(ports: readonly ValueInfoMessage[]): UniqueNames {
  const dims = ports.flatMap(({ type }) => type?.tensorType?.shape?.dim ?? []);
  return new UniqueNames(dims.map(({ dimParam }) => dimParam ?? ''));
}

function kindOf(type: TypeMessage): string {
  if (type.sequenceType) return 'a sequence';
  if (type.mapType) return 'a map';
  if (type.optionalType) return 'an optional';
  if (type.sparseTensorType) return 'a sparse tensor';
  return 'no type';
}

/** A negative dim_value is how some exporters write an unknown size. */
function extentOf(dim: DimensionMessage, name: () => string, where: string, limits: ModelLimits): Extent {
  if (dim.dimValue !== undefined && dim.dimValue >= 0n) {
    const size = Number(dim.dimValue);
    if (size > limits.maxDimension) throw tooLarge(where, 'dimension', size, limits.maxDimension);
    return size;
  }
  return symbol(dim.dimParam || name());
}

/**
 * @param kind  `input` must state dtype and rank; an `output` may leave them to inference
 * @throws MODEL_INVALID when an input has no type or shape; DTYPE_UNSUPPORTED when it is no tensor of a known dtype
 */
export function portOf(
  info: ValueInfoMessage,
  kind: 'input' | 'output',
  names: UniqueNames,
  limits: ModelLimits,
): Port {
  const name = info.name ?? '';
  const where = `${kind} ${quote(name)}`;
  const type = info.type?.tensorType;
  if (info.type && !type && kindOf(info.type) !== 'no type') {
    throw new KerfError('DTYPE_UNSUPPORTED', where, `got ${kindOf(info.type)}, expected a tensor.`);
  }
  if (kind === 'input' && !type?.shape) {
    throw new KerfError('MODEL_INVALID', where, 'the file gives no dtype or no rank. Export the model with shapes.');
  }
  if (!type?.elemType) return { name, dtype: 'float32', shape: [], undeclared: true };
  const dtype = dtypeOf(type.elemType, where);
  if (!type.shape) return { name, dtype, shape: [], undeclared: true };
  const dims = type.shape.dim ?? [];
  if (dims.length > limits.maxRank) throw tooLarge(where, 'rank', dims.length, limits.maxRank);
  const shape = dims.map((dim, axis) => extentOf(dim, () => names.fresh(`${name}_dim${axis}`), where, limits));
  return { name, dtype, shape };
}
