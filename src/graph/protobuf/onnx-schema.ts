/** ONNX's messages as tables, and the shapes they decode to. Fields that kerf has no use for (doc strings) are left out. */
import { type Field, type FieldKind, type MessageTable, message } from './fields.js';

export interface EntryMessage {
  key?: string;
  value?: string;
}

export interface TensorMessage {
  dims?: BigInt64Array;
  dataType?: number;
  segment?: object;
  floatData?: Float32Array;
  int32Data?: Int32Array;
  stringData?: Uint8Array[];
  int64Data?: BigInt64Array;
  name?: string;
  rawData?: Uint8Array;
  doubleData?: Float64Array;
  uint64Data?: BigUint64Array;
  externalData?: EntryMessage[];
  dataLocation?: number;
}

export interface DimensionMessage {
  dimValue?: bigint;
  dimParam?: string;
}

export interface TypeMessage {
  tensorType?: { elemType?: number; shape?: { dim?: DimensionMessage[] } };
  sequenceType?: object;
  mapType?: object;
  sparseTensorType?: object;
  optionalType?: object;
}

export interface ValueInfoMessage {
  name?: string;
  type?: TypeMessage;
}

export interface AttributeMessage {
  name?: string;
  f?: number;
  i?: bigint;
  s?: Uint8Array;
  t?: TensorMessage;
  g?: GraphMessage;
  floats?: Float32Array;
  ints?: BigInt64Array;
  strings?: Uint8Array[];
  tensors?: object[];
  graphs?: object[];
  typeProto?: object;
  typeProtos?: object[];
  type?: number;
  refAttrName?: string;
  sparseTensor?: object;
  sparseTensors?: object[];
}

export interface NodeMessage {
  input?: string[];
  output?: string[];
  name?: string;
  opType?: string;
  attribute?: AttributeMessage[];
  domain?: string;
}

export interface GraphMessage {
  node?: NodeMessage[];
  name?: string;
  initializer?: TensorMessage[];
  input?: ValueInfoMessage[];
  output?: ValueInfoMessage[];
  sparseInitializer?: object[];
}

export interface OpsetMessage {
  domain?: string;
  version?: bigint;
}

export interface ModelMessage {
  irVersion?: bigint;
  producerName?: string;
  graph?: GraphMessage;
  opsetImport?: OpsetMessage[];
}

const scalar = (name: string, kind: FieldKind): Field => ({ name, kind });
const packed = (name: string, kind: FieldKind): Field => ({ name, kind, packed: true });
const one = (name: string, table: () => MessageTable): Field => ({ name, kind: 'message', table });
const many = (name: string, table: () => MessageTable): Field => ({ name, kind: 'messages', table });

/** Stands for messages whose presence matters and whose content does not. */
const opaque = message('Opaque', {});

const entry = message('StringStringEntryProto', { 1: scalar('key', 'string'), 2: scalar('value', 'string') });

export const tensorTable: MessageTable = message('TensorProto', {
  1: scalar('dims', 'int64s'),
  2: scalar('dataType', 'int32'),
  3: one('segment', () => opaque),
  4: packed('floatData', 'floats'),
  5: packed('int32Data', 'int32s'),
  6: scalar('stringData', 'bytesList'),
  7: packed('int64Data', 'int64s'),
  8: scalar('name', 'string'),
  9: scalar('rawData', 'bytes'),
  10: packed('doubleData', 'doubles'),
  11: packed('uint64Data', 'uint64s'),
  13: many('externalData', () => entry),
  14: scalar('dataLocation', 'int32'),
});

const dimension = message('Dimension', { 1: scalar('dimValue', 'int64'), 2: scalar('dimParam', 'string') });
const shape = message('TensorShapeProto', { 1: many('dim', () => dimension) });
const tensorType = message('TypeProto.Tensor', { 1: scalar('elemType', 'int32'), 2: one('shape', () => shape) });

const type = message('TypeProto', {
  1: one('tensorType', () => tensorType),
  4: one('sequenceType', () => opaque),
  5: one('mapType', () => opaque),
  8: one('sparseTensorType', () => opaque),
  9: one('optionalType', () => opaque),
});

const valueInfo = message('ValueInfoProto', { 1: scalar('name', 'string'), 2: one('type', () => type) });

const attribute: MessageTable = message('AttributeProto', {
  1: scalar('name', 'string'),
  2: scalar('f', 'float'),
  3: scalar('i', 'int64'),
  4: scalar('s', 'bytes'),
  5: one('t', () => tensorTable),
  6: one('g', () => graphTable),
  7: scalar('floats', 'floats'),
  8: scalar('ints', 'int64s'),
  9: scalar('strings', 'bytesList'),
  10: many('tensors', () => opaque),
  11: many('graphs', () => opaque),
  14: one('typeProto', () => opaque),
  15: many('typeProtos', () => opaque),
  20: scalar('type', 'int32'),
  21: scalar('refAttrName', 'string'),
  22: one('sparseTensor', () => opaque),
  23: many('sparseTensors', () => opaque),
});

const node = message('NodeProto', {
  1: scalar('input', 'strings'),
  2: scalar('output', 'strings'),
  3: scalar('name', 'string'),
  4: scalar('opType', 'string'),
  5: many('attribute', () => attribute),
  7: scalar('domain', 'string'),
});

const graphTable: MessageTable = message('GraphProto', {
  1: many('node', () => node),
  2: scalar('name', 'string'),
  5: many('initializer', () => tensorTable),
  11: many('input', () => valueInfo),
  12: many('output', () => valueInfo),
  15: many('sparseInitializer', () => opaque),
});

const opset = message('OperatorSetIdProto', { 1: scalar('domain', 'string'), 2: scalar('version', 'int64') });

export const modelTable: MessageTable = message('ModelProto', {
  1: scalar('irVersion', 'int64'),
  2: scalar('producerName', 'string'),
  7: one('graph', () => graphTable),
  8: many('opsetImport', () => opset),
});
