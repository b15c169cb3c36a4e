/** Bytes of a safetensors file. */
export interface RawTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** The length of a header, and the header itself. */
export function safetensorsHeader(header: object | string): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 8);
  return bytes;
}

/** Tensors one behind the other, in the order given. */
export function safetensors(tensors: Readonly<Record<string, RawTensor>>): Uint8Array {
  const header: Record<string, object> = {};
  let at = 0;
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    at += bytes.length;
  }
  return Buffer.concat([safetensorsHeader(header), ...Object.values(tensors).map(({ bytes }) => bytes)]);
}

/** A float32 tensor. */
export function f32(values: ArrayLike<number>, shape: readonly number[]): RawTensor {
  return { dtype: 'F32', shape, bytes: new Uint8Array(Float32Array.from(values).buffer) };
}
