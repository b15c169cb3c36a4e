/**
 * Text -> bucket ids, as VS Code's language detector wants them. Its graph does this with string operators:
 *
 *     text ─▶ UTF-8 bytes b0 b1 b2 ... ─▶ pairs "b0 b1", "b1 b2", ... (byte, space, byte)
 *          ─▶ the first 10,000 ─▶ Fingerprint64 mod 5,000
 */
import { Tensor } from '../runtime/tensor.js';

/** Pairs of a text that the detector looks at. */
export const maxPairs = 10_000;

/** Buckets of the detector's hash; the number of rows of its tables. */
export const buckets = 5000;

/** Characters of a text that the detector reads. */
const maxCharacters = 100_000;

const k0 = 0xc3a5c85c97cb3127n;
const k2 = 0x9ae16a3b2f90404fn;

const wrap = (value: bigint) => BigInt.asUintN(64, value);
const shiftMix = (value: bigint) => value ^ (value >> 47n);

function fetch32(bytes: Uint8Array, at: number): bigint {
  return BigInt(new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true));
}

/**
 * FarmHash's Fingerprint64 of one to seven bytes, the lengths that pairs have.
 * @param bytes  length 1..7
 * @example  fingerprint64(Uint8Array.of(97)) === 12917804110809363939n
 */
export function fingerprint64(bytes: Uint8Array): bigint {
  const length = bytes.length;
  if (length < 1 || length > 7) throw new RangeError(`fingerprint64: got ${length} bytes, expected 1 to 7`);
  if (length >= 4) {
    const factor = k2 + BigInt(2 * length);
    const low = wrap(BigInt(length) + (fetch32(bytes, 0) << 3n));
    const high = fetch32(bytes, length - 4);
    const mixed = shiftMix(wrap((low ^ high) * factor));
    return wrap(shiftMix(wrap((high ^ mixed) * factor)) * factor);
  }
  const first = BigInt(bytes[0] + (bytes[length >> 1] << 8));
  const last = BigInt(length + (bytes[length - 1] << 2));
  return wrap(shiftMix(wrap(first * k2) ^ wrap(last * k0)) * k2);
}

/** Text of one byte: tfjs holds the pieces as text, so a byte beyond ASCII reaches the hash as U+FFFD. */
const pieceOf = (byte: number) => (byte < 0x80 ? String.fromCharCode(byte) : '\uFFFD');

/** Bucket of the pair (a, b) at a * 256 + b; -1 until it is asked for. */
const bucketOfPair = new Int16Array(65_536).fill(-1);

function bucketOf(first: number, second: number): number {
  const pair = first * 256 + second;
  if (bucketOfPair[pair] < 0) {
    const bytes = new TextEncoder().encode(`${pieceOf(first)} ${pieceOf(second)}`);
    bucketOfPair[pair] = Number(fingerprint64(bytes) % BigInt(buckets));
  }
  return bucketOfPair[pair];
}

/**
 * The ids of one text, in the text's order.
 * @param text  line ends of Windows count as `\n`, as in VS Code
 * @returns at most {@link maxPairs} ids in 0..4999; none for a text shorter than two bytes
 */
export function bucketIds(text: string): Int32Array {
  const bytes = new TextEncoder().encode(text.slice(0, maxCharacters).replaceAll('\r\n', '\n'));
  const count = Math.max(0, Math.min(bytes.length - 1, maxPairs));
  return Int32Array.from({ length: count }, (_, i) => bucketOf(bytes[i], bytes[i + 1]));
}

/**
 * The ids of several texts as one tensor.
 * @returns int32 [texts, longest text's ids], padded with -1
 */
export function bucketIdsTensor(texts: readonly string[]): Tensor<'int32'> {
  const rows = texts.map(bucketIds);
  const length = Math.max(1, ...rows.map((row) => row.length));
  const data = new Int32Array(rows.length * length).fill(-1);
  rows.forEach((row, i) => {
    data.set(row, i * length);
  });
  return new Tensor('int32', data, [rows.length, length]);
}
