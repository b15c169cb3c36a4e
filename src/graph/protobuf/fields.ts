/** How a protobuf message is described: a table from field number to name and kind, read by decode.ts and encode.ts. */

/** Kinds of fields. A name in the plural is a repeated field; numbers then come as one typed array. */
export type FieldKind =
  | 'int32'
  | 'int64'
  | 'float'
  | 'string'
  | 'bytes'
  | 'message'
  | 'int32s'
  | 'int64s'
  | 'uint64s'
  | 'floats'
  | 'doubles'
  | 'strings'
  | 'bytesList'
  | 'messages';

/** Wire types of protobuf. */
export const wireVarint = 0;
export const wireFixed64 = 1;
export const wireBytes = 2;
export const wireFixed32 = 5;

/** Wire type of one element of a kind. */
export const wireOfKind: Readonly<Record<FieldKind, number>> = {
  int32: wireVarint,
  int64: wireVarint,
  float: wireFixed32,
  string: wireBytes,
  bytes: wireBytes,
  message: wireBytes,
  int32s: wireVarint,
  int64s: wireVarint,
  uint64s: wireVarint,
  floats: wireFixed32,
  doubles: wireFixed64,
  strings: wireBytes,
  bytesList: wireBytes,
  messages: wireBytes,
};

export interface Field {
  readonly name: string;
  readonly kind: FieldKind;
  /** For `message` and `messages`: the table of the message, by call since tables refer to each other in a circle. */
  readonly table?: () => MessageTable;
  /** For repeated numbers: written as one packed run. Both forms are read. */
  readonly packed?: boolean;
}

export interface MessageTable {
  readonly name: string;
  readonly fields: ReadonlyMap<number, Field>;
}

/** Declares a message: `number: field`, in the order in which the writer emits them. */
export function message(name: string, fields: Readonly<Record<number, Field>>): MessageTable {
  return { name, fields: new Map(Object.entries(fields).map(([number, field]) => [Number(number), field])) };
}
