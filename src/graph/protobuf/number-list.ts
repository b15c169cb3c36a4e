/** The numbers of one repeated protobuf field, gathered from packed runs and single elements into one typed array. */
import { type FieldKind, wireFixed32, wireFixed64, wireOfKind } from './fields.js';

const arrays = {
  floats: Float32Array,
  doubles: Float64Array,
  int32s: Int32Array,
  int64s: BigInt64Array,
  uint64s: BigUint64Array,
} as const;

type NumberKind = keyof typeof arrays;

/** Writes the varint at `bytes[at]` as 8 little-endian bytes; returns where it ends, or -1 past `stop`. */
function copyVarint(bytes: Uint8Array, at: number, stop: number, view: DataView, atByte: number): number {
  let low = 0;
  let high = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    if (at >= stop) return -1;
    const byte = bytes[at++];
    const bits = byte & 0x7f;
    if (shift < 28) low |= bits << shift;
    else if (shift === 28) {
      low |= bits << 28;
      high |= bits >> 4;
    } else high |= bits << (shift - 32);
    if (byte < 0x80) {
      view.setInt32(atByte, low, true);
      view.setInt32(atByte + 4, high, true);
      return at;
    }
  }
  return -1;
}

export class NumberList {
  #buffer = new ArrayBuffer(64);
  #sizeBytes = 0;

  constructor(readonly kind: NumberKind) {}

  static holds(kind: FieldKind): kind is NumberKind {
    return Object.hasOwn(arrays, kind);
  }

  /** The signed varint in bytes [at, stop), which is known to end there. */
  static int64(bytes: Uint8Array, at: number, stop: number): bigint {
    const view = new DataView(new ArrayBuffer(8));
    copyVarint(bytes, at, stop, view, 0);
    return view.getBigInt64(0, true);
  }

  /** Appends the elements in bytes [at, stop); false when the last one does not end there. */
  append(bytes: Uint8Array, at: number, stop: number): boolean {
    const wire = wireOfKind[this.kind];
    if (wire === wireFixed32 || wire === wireFixed64) return this.#copy(bytes, at, stop);
    let view = this.#reserve(8 * Math.min(stop - at, 64));
    while (at < stop) {
      if (this.#sizeBytes + 8 > view.byteLength) view = this.#reserve(8);
      at = copyVarint(bytes, at, stop, view, this.#sizeBytes);
      if (at < 0) return false;
      // An int32 keeps the low half; the next element overwrites the rest.
      this.#sizeBytes += arrays[this.kind].BYTES_PER_ELEMENT;
    }
    return true;
  }

  #copy(bytes: Uint8Array, at: number, stop: number): boolean {
    if ((stop - at) % arrays[this.kind].BYTES_PER_ELEMENT !== 0) return false;
    this.#reserve(stop - at);
    new Uint8Array(this.#buffer, this.#sizeBytes).set(bytes.subarray(at, stop));
    this.#sizeBytes += stop - at;
    return true;
  }

  /** Room for `moreBytes` beyond the present size. */
  #reserve(moreBytes: number): DataView {
    const neededBytes = this.#sizeBytes + moreBytes;
    if (neededBytes > this.#buffer.byteLength) {
      const grown = new ArrayBuffer(Math.max(neededBytes, 2 * this.#buffer.byteLength));
      new Uint8Array(grown).set(new Uint8Array(this.#buffer, 0, this.#sizeBytes));
      this.#buffer = grown;
    }
    return new DataView(this.#buffer);
  }

  finish(): InstanceType<(typeof arrays)[NumberKind]> {
    const array = arrays[this.kind];
    return new array(this.#buffer, 0, this.#sizeBytes / array.BYTES_PER_ELEMENT);
  }
}
