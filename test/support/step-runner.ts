/** Runs single steps on the WASM step loop, with guard bytes around every operand. */
import assert from 'node:assert/strict';
import { inflateRawSync } from 'node:zlib';
import type { BoundParams } from '../../src/runtime/step-kind.js';
import { stepKinds } from '../../src/runtime/step-kinds.js';
import type { TensorData } from '../../src/runtime/tensor.js';
import { bindKernels, createMemory, decodeLatin1 } from '../../src/runtime/wasm.js';
import { supportsRelaxedSimd } from '../../src/runtime/wasm-features.js';

interface StepExports {
  run_steps(tapePtr: number, tapeBytes: number): number;
}

/** Operands by slot: reads, then writes; undefined where an optional one is absent. */
export type Operands = readonly (TensorData | undefined)[];

const guardBytes = 64;
const guardByte = 0xa5;
/** Above the static data of both modules. */
const baseBytes = 65536;

/** The tape of one step. */
export function encodeStep(kind: string, params: BoundParams, pointers: readonly number[], scratchPtr = 0): Int32Array {
  const { opcode, encode } = stepKinds.get(kind)!;
  const words = encode(params, pointers, scratchPtr);
  return Int32Array.of(opcode, words.length + 2, ...words);
}

/** One build of the step loop in a memory of its own. */
export class StepRunner {
  readonly #memory = createMemory(baseBytes);
  readonly #exports: StepExports;

  constructor(
    readonly name: string,
    latin1: string,
    core?: string,
  ) {
    const bind = (text: string, imports?: WebAssembly.ModuleImports) =>
      bindKernels<StepExports>(decodeLatin1(text), this.#memory, 0, imports).exports;
    this.#exports = bind(latin1, core === undefined ? {} : (bind(core) as unknown as WebAssembly.ModuleImports));
  }

  /**
   * Runs one step on copies of the operands and copies the written ones back.
   *
   *     | guard | operand 0 | guard | operand 1 | guard | ... | tape | scratch, where the step needs it | guard |
   *
   * @param offsets  elements by which each operand starts inside its array, 0 by default
   * @returns what run_steps returns
   */
  run(kind: string, params: BoundParams, operands: Operands, offsets: readonly number[] = []): number {
    const pointers: number[] = [];
    let top = baseBytes;
    for (const data of operands) {
      // Not a multiple of 16: kernels may not rely on vector alignment.
      top = Math.ceil((top + guardBytes) / 16) * 16 + 4;
      pointers.push(data ? top : 0);
      top += data?.byteLength ?? 0;
    }
    const starts = operands.map((data, slot) => pointers[slot] + (offsets[slot] ?? 0) * (data?.BYTES_PER_ELEMENT ?? 0));
    const { needsScratch, scratchBytes } = stepKinds.get(kind)!;
    const tapePtr = Math.ceil((top + guardBytes) / 16) * 16;
    const scratchPtr = tapePtr + 4 * encodeStep(kind, params, starts).length;
    const endPtr = scratchPtr + (needsScratch ? scratchBytes!(params) : 0);
    const tape = encodeStep(kind, params, starts, needsScratch ? scratchPtr : 0);
    const missing = endPtr + guardBytes - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / 65536));
    const bytes = new Uint8Array(this.#memory.buffer);
    bytes.fill(guardByte, baseBytes, tapePtr);
    bytes.fill(guardByte, endPtr, endPtr + guardBytes);
    operands.forEach((data, slot) => {
      if (data) bytes.set(bytesOf(data), pointers[slot]);
    });
    new Int32Array(bytes.buffer, tapePtr, tape.length).set(tape);
    const code = this.#exports.run_steps(tapePtr, tape.byteLength);
    this.#collect(kind, operands, pointers, tapePtr);
    assertGuard(bytes.subarray(endPtr, endPtr + guardBytes), `after the scratch of ${kind}`);
    return code;
  }

  /** Runs one step whose operands all stand in `data`, `starts` elements from its begin, and copies it back. */
  runInPlace(kind: string, params: BoundParams, data: TensorData, starts: readonly number[]): number {
    const pointersFrom = (ptr: number) => starts.map((start) => ptr + start * data.BYTES_PER_ELEMENT);
    return this.runTape(data, (ptr) => [encodeStep(kind, params, pointersFrom(ptr))]);
  }

  /** Runs steps on one block that holds `data`, and copies it back. */
  runTape(data: TensorData, stepsAt: (ptr: number) => readonly Int32Array[]): number {
    const tape = stepsAt(baseBytes).flatMap((step) => [...step]);
    const tapePtr = baseBytes + Math.ceil(data.byteLength / 16) * 16;
    const missing = tapePtr + 4 * tape.length - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / 65536));
    const bytes = new Uint8Array(this.#memory.buffer);
    bytes.set(bytesOf(data), baseBytes);
    new Int32Array(bytes.buffer, tapePtr, tape.length).set(tape);
    const code = this.#exports.run_steps(tapePtr, 4 * tape.length);
    bytesOf(data).set(bytes.subarray(baseBytes, baseBytes + data.byteLength));
    return code;
  }

  /** Copies results back; guards and operands that are only read must not have changed. */
  #collect(kind: string, operands: Operands, pointers: readonly number[], endPtr: number): void {
    const bytes = new Uint8Array(this.#memory.buffer);
    const reads = stepKinds.get(kind)!.reads.length;
    let from = baseBytes;
    operands.forEach((data, slot) => {
      if (!data) return;
      assertGuard(bytes.subarray(from, pointers[slot]), `before operand ${slot} of ${kind}`);
      from = pointers[slot] + data.byteLength;
      const now = bytes.subarray(pointers[slot], from);
      if (slot >= reads) bytesOf(data).set(now);
      else assert.ok(Buffer.compare(now, bytesOf(data)) === 0, `${this.name}: ${kind} wrote to operand ${slot}`);
    });
    assertGuard(bytes.subarray(from, endPtr), `after the operands of ${kind}`);
  }
}

function bytesOf(data: TensorData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function assertGuard(bytes: Uint8Array, where: string): void {
  assert.ok(
    bytes.every((byte) => byte === guardByte),
    `guard bytes changed ${where}`,
  );
}

/** Text of a module, one character a byte; that of the relaxed one is inflated by its importer. */
async function textOf(build: string): Promise<string> {
  return ((await import(new URL(`../../wasm/${build}.js`, import.meta.url).href)) as { latin1: string }).latin1;
}

/** The builds that every kernel test runs on; `more` takes what it lacks from the core. */
export const runners = [
  new StepRunner('plain', await textOf('plain')),
  new StepRunner('debug', await textOf('debug')),
  new StepRunner('more', await textOf('more'), await textOf('core')),
];

/** The relaxed build, where this host has relaxed SIMD: within the bounds of the others, with bits of its own. */
export const relaxedRunners = supportsRelaxedSimd()
  ? [new StepRunner('relaxed', inflateRawSync(decodeLatin1(await textOf('relaxed'))).toString('latin1'))]
  : [];
