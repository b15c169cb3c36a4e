/**
 * Decodes protobuf messages by table. pbf decodes; the checks that pbf leaves to its caller are here:
 *
 *     | tag varint | value ...                 |  the tag and the value must end inside their message,
 *                    varint: at most 10 bytes     a value's wire type must fit its field,
 *                    bytes:  | length | length bytes |
 */
import { PbfReader } from 'pbf';
import { KerfError } from '../../runtime/errors.js';
import {
  type Field,
  type MessageTable,
  wireBytes,
  wireFixed32,
  wireFixed64,
  wireOfKind,
  wireVarint,
} from './fields.js';
import { NumberList } from './number-list.js';

export interface DecodeLimits {
  /** Messages inside messages. */
  readonly maxDepth: number;
  /** Messages and list elements that are not numbers, in the whole file. */
  readonly maxItems: number;
  readonly maxStringBytes: number;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

class Decoder {
  readonly #pbf: PbfReader;
  #items = 0;

  constructor(
    readonly bytes: Uint8Array,
    readonly where: string,
    readonly limits: DecodeLimits,
  ) {
    this.#pbf = new PbfReader(bytes);
  }

  malformed(problem: string): KerfError {
    return new KerfError(
      'FILE_FORMAT',
      this.where,
      `not a valid protobuf file: ${problem} at byte ${this.#pbf.pos} of ${this.bytes.length}. ` +
        'The file is truncated, damaged or of another format.',
      { byte: this.#pbf.pos, bytes: this.bytes.length },
    );
  }

  count(what: string): void {
    if (++this.#items <= this.limits.maxItems) return;
    throw new KerfError('MODEL_LIMIT', this.where, `too many ${what}: got more than ${this.limits.maxItems}.`, {
      limit: this.limits.maxItems,
    });
  }

  /** Where the varint at the cursor ends; it must do so before `end` and within 10 bytes. */
  varintEnd(end: number): number {
    let at = this.#pbf.pos;
    const last = Math.min(end, at + 10);
    while (at < last && this.bytes[at] > 0x7f) at++;
    if (at >= last) throw this.malformed('a number does not end');
    return at + 1;
  }

  varint(end: number): number {
    this.varintEnd(end);
    return this.#pbf.readVarint();
  }

  /** Where the value of wire type `wire` ends; moves the cursor past a length. */
  valueEnd(wire: number, end: number): number {
    let stop: number;
    if (wire === wireVarint) stop = this.varintEnd(end);
    else if (wire === wireFixed64) stop = this.#pbf.pos + 8;
    else if (wire === wireFixed32) stop = this.#pbf.pos + 4;
    else if (wire === wireBytes) {
      const length = this.varint(end);
      stop = this.#pbf.pos + length;
    } else throw this.malformed(`unknown wire type ${wire}`);
    if (stop > end) throw this.malformed(`a value of ${stop - this.#pbf.pos} bytes reaches past its end`);
    return stop;
  }

  /** Reads the fields of `table` up to `end` into `target`; unknown fields are skipped, repeated ones appended. */
  message(table: MessageTable, target: Record<string, unknown>, end: number, depth: number): void {
    if (depth > this.limits.maxDepth) {
      throw new KerfError('MODEL_LIMIT', this.where, `nested too deep: got more than ${this.limits.maxDepth} levels.`, {
        limit: this.limits.maxDepth,
      });
    }
    const numbers = new Map<string, NumberList>();
    while (this.#pbf.pos < end) {
      const tag = this.varint(end);
      const wire = tag & 7;
      const number = Math.floor(tag / 8);
      if (number === 0) throw this.malformed('field number 0');
      const stop = this.valueEnd(wire, end);
      const field = table.fields.get(number);
      if (field) this.value(table, field, wire, stop, target, numbers, depth);
      this.#pbf.pos = stop;
    }
    for (const [name, list] of numbers) target[name] = list.finish();
  }

  private value(
    table: MessageTable,
    field: Field,
    wire: number,
    stop: number,
    target: Record<string, unknown>,
    numbers: Map<string, NumberList>,
    depth: number,
  ): void {
    const { name, kind } = field;
    if (NumberList.holds(kind)) {
      const list = numbers.get(name) ?? new NumberList(kind);
      numbers.set(name, list);
      if (wire !== wireBytes && wire !== wireOfKind[kind]) throw this.wrongWire(table, field, wire);
      if (!list.append(this.bytes, this.#pbf.pos, stop)) throw this.malformed(`${table.name}.${name} does not end`);
      return;
    }
    if (wire !== wireOfKind[kind]) throw this.wrongWire(table, field, wire);
    if (kind === 'int32') target[name] = this.#pbf.readVarint(true) | 0;
    else if (kind === 'int64') target[name] = NumberList.int64(this.bytes, this.#pbf.pos, stop);
    else if (kind === 'float') target[name] = this.#pbf.readFloat();
    else if (kind === 'string') target[name] = this.string(stop);
    else if (kind === 'bytes') target[name] = this.bytes.subarray(this.#pbf.pos, stop);
    else if (kind === 'message') {
      target[name] ??= {};
      this.count('messages');
      this.message(field.table!(), target[name] as Record<string, unknown>, stop, depth + 1);
    } else this.element(field, stop, target, depth);
  }

  /** Appends one element of a repeated field that is not a number. */
  private element(field: Field, stop: number, target: Record<string, unknown>, depth: number): void {
    this.count('messages');
    target[field.name] ??= [];
    const list = target[field.name] as unknown[];
    if (field.kind === 'strings') list.push(this.string(stop));
    else if (field.kind === 'bytesList') list.push(this.bytes.subarray(this.#pbf.pos, stop));
    else {
      const item = {};
      list.push(item);
      this.message(field.table!(), item, stop, depth + 1);
    }
  }

  private wrongWire(table: MessageTable, field: Field, wire: number): KerfError {
    return this.malformed(`${table.name}.${field.name} has wire type ${wire}, expected ${wireOfKind[field.kind]}`);
  }

  private string(stop: number): string {
    const length = stop - this.#pbf.pos;
    const limit = this.limits.maxStringBytes;
    if (length > limit) {
      throw new KerfError(
        'MODEL_LIMIT',
        this.where,
        `a string is too long: got ${length} bytes, expected <= ${limit}.`,
        {
          got: length,
          limit,
        },
      );
    }
    try {
      return utf8.decode(this.bytes.subarray(this.#pbf.pos, stop));
    } catch {
      throw this.malformed('a string is not UTF-8');
    }
  }
}

/**
 * Decodes one message.
 * @param bytes  the whole message; byte fields of the result are views of it
 * @param where  what error sentences speak of
 * @returns an object with the present fields only, by the names of `table`
 * @throws FILE_FORMAT when the bytes are not such a message; MODEL_LIMIT when a limit is exceeded
 */
export function decodeMessage<T>(bytes: Uint8Array, table: MessageTable, where: string, limits: DecodeLimits): T {
  const target = {};
  new Decoder(bytes, where, limits).message(table, target, bytes.length, 0);
  return target as T;
}
