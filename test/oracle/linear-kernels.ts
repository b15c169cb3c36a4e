/** Calls the linear kernels of one build on guarded memory: every byte that is not an output must stay as it was. */
import assert from 'node:assert/strict';
import { inflateRawSync } from 'node:zlib';
import { panelLength } from '../../src/runtime/panels.js';
import { bindKernels, createMemory, decodeLatin1 } from '../../src/runtime/wasm.js';
import { supportsRelaxedSimd } from '../../src/runtime/wasm-features.js';
import type { LinearCase } from './linear.js';

interface LinearExports {
  heap_base(): number;
  f32_pack_linear(
    dstPtr: number,
    wPtr: number,
    strideN: number,
    strideK: number,
    biasPtr: number,
    biasStride: number,
    N: number,
    K: number,
  ): void;
  f32_gemm(
    yPtr: number,
    ldy: number,
    xPtr: number,
    ldx: number,
    panelPtr: number,
    M: number,
    N: number,
    K: number,
    zPtr: number,
    ldz: number,
    R: number,
    lo: number,
    hi: number,
  ): void;
  f32_gemm_sparse_input(...args: readonly number[]): void;
  f32_panels_skippable(panelPtr: number, N: number, K: number): number;
}

export const builds = ['debug', 'plain'] as const;

/** The relaxed build with each of its tall tiles, where this host has relaxed SIMD. */
export const relaxedBuilds = supportsRelaxedSimd() ? (['relaxed 0', 'relaxed 1', 'relaxed 2'] as const) : [];
export type Build = (typeof builds | typeof relaxedBuilds)[number];

/** Bytes of guard words before and after every block; no multiple of 16, so that blocks are unaligned for v128. */
const guardBytes = 68;

/** A word no kernel computes: a NaN with a payload. */
const guardWord = 0x7fe1dead;

export class LinearKernels {
  readonly #exports: LinearExports;
  readonly #memory = createMemory(1 << 22);
  /** First byte behind the module's static data. */
  readonly #base: number;
  #top = 0;

  private constructor(source: Uint8Array<ArrayBuffer>, tiles: number) {
    this.#exports = bindKernels<LinearExports>(source, this.#memory, tiles).exports;
    this.#base = Math.ceil(this.#exports.heap_base() / 4) * 4;
  }

  static async load(build: Build): Promise<LinearKernels> {
    const [name, tiles = '0'] = build.split(' ');
    const url = new URL(`../../wasm/${name}.js`, import.meta.url).href;
    const { latin1 } = (await import(url)) as { latin1: string };
    const bytes = decodeLatin1(latin1);
    return new LinearKernels(name === 'relaxed' ? new Uint8Array(inflateRawSync(bytes)) : bytes, Number(tiles));
  }

  /** Runs f32_pack_linear and returns the panels. */
  pack(
    w: Float32Array,
    strideN: number,
    strideK: number,
    bias: Float32Array | null,
    biasStride: number,
    N: number,
    K: number,
  ): Float32Array {
    this.#reset();
    const wPtr = this.#place(w);
    const biasPtr = bias ? this.#place(bias) : 0;
    const dstPtr = this.#place(panelLength(N, K));
    this.#guarded(dstPtr, panelLength(N, K), 1, panelLength(N, K), () =>
      this.#exports.f32_pack_linear(dstPtr, wPtr, strideN, strideK, biasPtr, biasStride, N, K),
    );
    return this.#floats(dstPtr, panelLength(N, K)).slice();
  }

  /**
   * Runs f32_gemm on packed panels.
   * @param ldy  elements between rows of y; the gaps are guarded too
   * @returns y [M, N] without the gaps
   */
  gemm(c: LinearCase, panels: Float32Array, ldy = c.N): Float32Array {
    this.#reset();
    const xPtr = this.#place(c.x);
    const zPtr = c.R === 0 ? 0 : this.#place(c.z);
    const panelPtr = this.#place(panels);
    const length = (c.M - 1) * ldy + c.N;
    const yPtr = this.#place(length);
    this.#guarded(yPtr, c.N, c.M, ldy, () =>
      this.#exports.f32_gemm(yPtr, ldy, xPtr, c.ldx, panelPtr, c.M, c.N, c.K, zPtr, c.ldz, c.R, c.lo, c.hi),
    );
    const y = new Float32Array(c.M * c.N);
    for (let m = 0; m < c.M; m++) y.set(this.#floats(yPtr + 4 * m * ldy, c.N), m * c.N);
    return y;
  }

  /** Runs f32_gemm_sparse_input, with as much scratch as its step declares. */
  sparseGemm(c: LinearCase, panels: Float32Array, ldy = c.N, hasScratch = true): Float32Array {
    this.#reset();
    const [xPtr, zPtr, panelPtr] = [this.#place(c.x), this.#place(c.z), this.#place(panels)];
    const length = (c.M - 1) * ldy + c.N;
    const yPtr = this.#place(length);
    const scratchPtr = Math.ceil(this.#place(2) / 8) * 8;
    this.#top = scratchPtr;
    const scratch = 64 + 2 * (c.K + c.R) * Math.min(c.M, 4);
    this.#place(scratch);
    const y = new Float32Array(c.M * c.N);
    const args = [xPtr, c.ldx, panelPtr, c.M, c.N, c.K, zPtr, c.ldz, c.R, c.lo, c.hi, hasScratch ? scratchPtr : 0];
    const run = () => this.#exports.f32_gemm_sparse_input(yPtr, ldy, ...args);
    this.#guarded(yPtr, c.N, c.M, ldy, run, { ptr: scratchPtr, length: scratch });
    for (let m = 0; m < c.M; m++) y.set(this.#floats(yPtr + 4 * m * ldy, c.N), m * c.N);
    return y;
  }

  /** Whether panels [N, K] may be skipped on; they stand between guard words. */
  isSkippable(panels: Float32Array, N: number, K: number): boolean {
    this.#reset();
    return this.#exports.f32_panels_skippable(this.#place(panels), N, K) !== 0;
  }

  #floats(ptr: number, length: number): Float32Array {
    return new Float32Array(this.#memory.buffer, ptr, length);
  }

  #reset(): void {
    this.#top = this.#base + guardBytes;
  }

  /** Copies `data` in, or leaves room for that many floats; a guard follows. */
  #place(data: Float32Array | number): number {
    const ptr = this.#top;
    const length = typeof data === 'number' ? data : data.length;
    this.#top = ptr + 4 * length + guardBytes;
    assert.ok(this.#top <= this.#memory.buffer.byteLength, 'test memory too small');
    new Uint32Array(this.#memory.buffer, ptr, length + guardBytes / 4).fill(guardWord);
    if (typeof data !== 'number') this.#floats(ptr, length).set(data);
    return ptr;
  }

  /** Runs `kernel` and asserts that it wrote each of rows x columns outputs at ptr, and not one byte besides, but in scratch. */
  #guarded(
    ptr: number,
    columns: number,
    rows: number,
    stride: number,
    kernel: () => void,
    scratch = { ptr, length: 0 },
  ): void {
    const used = new Uint32Array(this.#memory.buffer, this.#base, (this.#top - this.#base) / 4);
    const before = used.slice();
    kernel();
    const after = used.slice();
    for (let row = 0; row < rows; row++) {
      const at = (ptr - this.#base) / 4 + row * stride;
      for (let n = 0; n < columns; n++) {
        assert.notEqual(after[at + n], guardWord, `output [${row}, ${n}] not written`);
        after[at + n] = before[at + n]!;
      }
    }
    const scratchAt = (scratch.ptr - this.#base) / 4;
    after.set(before.subarray(scratchAt, scratchAt + scratch.length), scratchAt);
    assert.equal(Buffer.compare(Buffer.from(before.buffer), Buffer.from(after.buffer)), 0, 'wrote outside its outputs');
  }
}
