/** A memory in which blocks stand between guard bytes, and the check that a kernel wrote into its blocks alone. */
import assert from 'node:assert/strict';
import { inflateRawSync } from 'node:zlib';
import { bindKernels, createMemory, decodeLatin1 } from '../../src/runtime/wasm.js';

/** Bytes of guard before and after every block; no multiple of 16, so that blocks are unaligned for v128. */
const guardBytes = 68;
const guardByte = 0xa5;

export interface GuardedBlock {
  readonly ptr: number;
  readonly bytes: number;
}

/** First byte behind a module's static data, by the name it exports it under. */
interface HeapBase {
  heap_base?(): number;
  heapBase?(): number;
}

function heapBaseOf(exports: object): number {
  const { heap_base, heapBase } = exports as HeapBase;
  return (heap_base ?? heapBase)!();
}

export class GuardedMemory<Exports extends object> {
  readonly exports: Exports;
  readonly #memory = createMemory(1 << 22);
  readonly #base: number;
  #top: number;

  private constructor(source: Uint8Array<ArrayBuffer>) {
    this.exports = bindKernels<Exports>(source, this.#memory).exports;
    this.#base = Math.ceil(heapBaseOf(this.exports) / 8) * 8;
    this.#top = this.#base;
    this.reset();
  }

  static async load<Exports extends object>(build: string): Promise<GuardedMemory<Exports>> {
    const url = new URL(`../../wasm/${build}.js`, import.meta.url).href;
    const { latin1 } = (await import(url)) as { latin1: string };
    const bytes = decodeLatin1(latin1);
    return new GuardedMemory<Exports>(build === 'relaxed' ? new Uint8Array(inflateRawSync(bytes)) : bytes);
  }

  /** Gives all blocks back. */
  reset(): void {
    this.#top = this.#base + guardBytes;
  }

  /** Copies data in, or leaves room for that many bytes; a guard follows. */
  place(data: ArrayBufferView | number): GuardedBlock {
    const bytes = typeof data === 'number' ? data : data.byteLength;
    const ptr = this.#top;
    this.#top = ptr + Math.ceil(bytes / 4) * 4 + guardBytes;
    assert.ok(this.#top <= this.#memory.buffer.byteLength, 'test memory too small');
    new Uint8Array(this.#memory.buffer, ptr, this.#top - ptr).fill(guardByte);
    if (typeof data !== 'number') {
      this.bytes({ ptr, bytes }).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
    return { ptr, bytes };
  }

  bytes({ ptr, bytes }: GuardedBlock): Uint8Array {
    return new Uint8Array(this.#memory.buffer, ptr, bytes);
  }

  /** Runs a kernel and asserts that no byte changed outside what it may write. */
  guarded(writes: readonly GuardedBlock[], kernel: () => void): void {
    const all = new Uint8Array(this.#memory.buffer, this.#base, this.#top - this.#base);
    const before = all.slice();
    kernel();
    const after = all.slice();
    for (const { ptr, bytes } of writes) {
      const at = ptr - this.#base;
      after.set(before.subarray(at, at + bytes), at);
    }
    assert.equal(Buffer.compare(before, after), 0, 'wrote outside its outputs');
  }
}
