/** AttributeProto -> Attribute. */
import type { Attribute, Graph } from '../graph/graph.js';
import type { AttributeMessage, GraphMessage } from '../graph/protobuf/onnx-schema.js';
import { KerfError } from '../runtime/errors.js';
import { type TensorSource, tensorOf } from './onnx-tensor.js';

/** AttributeProto.AttributeType. */
const attributeTypes = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
} as const;

const foreignTypes: Readonly<Record<number, string>> = {
  9: 'tensors',
  10: 'graphs',
  11: 'sparse tensor',
  12: 'sparse tensors',
  13: 'type',
  14: 'types',
};

const utf8 = new TextDecoder('utf-8');

/** Files before IR version 2 have no type field: the one value present tells it. */
function typeOf(message: AttributeMessage): number {
  if (message.type) return message.type;
  const present = ['f', 'i', 's', 't', 'g', 'floats', 'ints', 'strings'] as const;
  return present.findIndex((field) => message[field] !== undefined) + 1;
}

function integer(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/**
 * @param readGraph  reads a subgraph
 * @throws MODEL_INVALID when the value is missing; OPERATOR_UNSUPPORTED when its type is foreign to kerf
 */
export function attributeOf(
  message: AttributeMessage,
  where: string,
  source: TensorSource,
  readGraph: (message: GraphMessage) => Graph,
): Attribute {
  const type = typeOf(message);
  switch (type) {
    case attributeTypes.float:
      return message.f ?? 0;
    case attributeTypes.int:
      return integer(message.i ?? 0n);
    case attributeTypes.string:
      return utf8.decode(message.s ?? new Uint8Array(0));
    case attributeTypes.floats:
      return Array.from(message.floats ?? []);
    case attributeTypes.ints:
      return Array.from(message.ints ?? [], Number);
    case attributeTypes.strings:
      return (message.strings ?? []).map((bytes) => utf8.decode(bytes));
    case attributeTypes.tensor:
      if (message.t) return tensorOf(message.t, where, source);
      break;
    case attributeTypes.graph:
      if (message.g) return readGraph(message.g);
      break;
    default: {
      const name = foreignTypes[type];
      if (name || message.refAttrName) {
        const got = name ?? 'a reference to a function attribute';
        throw new KerfError('OPERATOR_UNSUPPORTED', where, `values of this kind are not supported: got ${got}.`);
      }
    }
  }
  throw new KerfError('MODEL_INVALID', where, `no value of its type: got type ${type}.`, { type });
}
