/** Encodes protobuf messages by table: the inverse of decode.ts. */
import { PbfWriter } from 'pbf';
import { type Field, type MessageTable, wireBytes, wireOfKind } from './fields.js';

type Numbers = ArrayLike<number | bigint>;

/** Writes a 64-bit two's complement number as a varint; pbf's own stops at 53 bits. */
function writeVarint64(value: bigint, pbf: PbfWriter): void {
  let rest = BigInt.asUintN(64, value);
  pbf.realloc(10);
  for (; rest > 0x7fn; rest >>= 7n) pbf.buf[pbf.pos++] = Number(rest & 0x7fn) | 0x80;
  pbf.buf[pbf.pos++] = Number(rest);
}

function writeNumber(field: Field, value: number | bigint, pbf: PbfWriter): void {
  const { kind } = field;
  if (kind === 'float' || kind === 'floats') pbf.writeFloat(Number(value));
  else if (kind === 'doubles') pbf.writeDouble(Number(value));
  else writeVarint64(BigInt(value), pbf);
}

function writeNumbers(number: number, field: Field, values: Numbers, pbf: PbfWriter): void {
  if (values.length === 0) return;
  if (field.packed) {
    pbf.writeMessage(
      number,
      (list: Numbers) => {
        for (let i = 0; i < list.length; i++) writeNumber(field, list[i], pbf);
      },
      values,
    );
    return;
  }
  for (let i = 0; i < values.length; i++) {
    pbf.writeTag(number, wireOfKind[field.kind]);
    writeNumber(field, values[i], pbf);
  }
}

function writeField(number: number, field: Field, value: unknown, pbf: PbfWriter): void {
  switch (field.kind) {
    case 'int32':
    case 'int64':
    case 'float':
      pbf.writeTag(number, wireOfKind[field.kind]);
      writeNumber(field, value as number | bigint, pbf);
      return;
    case 'string':
      pbf.writeStringField(number, value as string);
      return;
    case 'bytes':
      pbf.writeBytesField(number, value as Uint8Array);
      return;
    case 'message':
      pbf.writeTag(number, wireBytes);
      pbf.writeBytes(encodeMessage(value as object, field.table!()));
      return;
    case 'strings':
      for (const text of value as string[]) pbf.writeStringField(number, text);
      return;
    case 'bytesList':
      for (const bytes of value as Uint8Array[]) pbf.writeBytesField(number, bytes);
      return;
    case 'messages':
      for (const item of value as object[]) writeField(number, { ...field, kind: 'message' }, item, pbf);
      return;
    default:
      writeNumbers(number, field, value as Numbers, pbf);
  }
}

/** The bytes of one message; absent fields are left out, fields come in the order of the table. */
export function encodeMessage(value: object, table: MessageTable): Uint8Array {
  const pbf = new PbfWriter();
  for (const [number, field] of table.fields) {
    const present = (value as Record<string, unknown>)[field.name];
    if (present !== undefined) writeField(number, field, present, pbf);
  }
  return pbf.finish();
}
