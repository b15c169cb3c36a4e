/** Packages made by hand, and taken apart for damage. */
import type { Package } from '../../src/package/package.js';
import type { Plan } from '../../src/runtime/plan.js';

export function packageOf(plan: Plan): Package {
  return { plan, certificate: null, source: { model: 'ab'.repeat(32), tool: 'kerf 0.0.0', options: {}, seed: 0 } };
}

/** A package's header as parsed JSON, and its payload. */
export interface OpenPackage {
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into it to break it
  header: any;
  payload: Uint8Array;
}

export function openPackage(bytes: Uint8Array): OpenPackage {
  const headerBytes = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  return {
    header: JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerBytes))),
    payload: bytes.slice(8 + headerBytes),
  };
}

/** A file of any header text, padded as a package must be. */
export function closeText(text: string, payload: Uint8Array): Uint8Array {
  const encoded = new TextEncoder().encode(text);
  const start = Math.ceil((8 + encoded.length) / 64) * 64;
  const bytes = new Uint8Array(start + payload.length).fill(0x20, 0, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(encoded, 8);
  bytes.set(payload, start);
  return bytes;
}

export function closePackage({ header, payload }: OpenPackage): Uint8Array {
  return closeText(JSON.stringify(header), payload);
}

/** The package with its plan changed by `change`. */
// biome-ignore lint/suspicious/noExplicitAny: tests reach into it to break it
export function withPlan(bytes: Uint8Array, change: (plan: any) => unknown): Uint8Array {
  const open = openPackage(bytes);
  const plan = JSON.parse(open.header.__metadata__['kerf.plan']);
  change(plan);
  open.header.__metadata__['kerf.plan'] = JSON.stringify(plan);
  return closePackage(open);
}
