import { KerfError } from './errors.js';
import { allocate, type DType, elementBytes, type TensorData, viewOf } from './tensor.js';
import { maximumPages, pageBytes } from './wasm.js';

/** Bytes; every block starts at a multiple of it, so that v128 loads never straddle a cache line. */
const alignmentBytes = 64;

/** A typed block of WASM memory. */
export interface Block<T extends DType = DType> {
  readonly dtype: T;
  /** Byte address, multiple of 64. */
  readonly ptr: number;
  /** Elements. */
  readonly length: number;
}

/**
 * Stack allocation in a WASM memory for calls from the host: the kernels themselves allocate nothing.
 * Blocks taken inside {@link scope} are given back when it returns. The memory grows as needed, so views must be made
 * after the last allocation; {@link view} always makes a fresh one.
 *
 *     base ─▶ | block | pad | block | pad | ... | top ─▶ free
 */
export class Workspace {
  #top: number;

  /**
   * @param memory  the memory the kernels are bound to
   * @param base  first byte that the workspace may use; above the module's static data
   */
  constructor(
    readonly memory: WebAssembly.Memory,
    base: number,
  ) {
    this.#top = Math.ceil(base / alignmentBytes) * alignmentBytes;
  }

  /**
   * Takes a block of `length` elements; its content is undefined.
   * @throws MEMORY_LIMIT when the memory cannot grow that far
   */
  allocate<T extends DType>(dtype: T, length: number): Block<T> {
    const ptr = this.#top;
    const end = ptr + Math.ceil((length * elementBytes(dtype)) / alignmentBytes) * alignmentBytes;
    this.#grow(end);
    this.#top = end;
    return { dtype, ptr, length };
  }

  /** Takes a block and copies `data` into it. */
  copyIn<T extends DType>(dtype: T, data: TensorData<T>): Block<T> {
    const block = this.allocate(dtype, data.length);
    (this.view(block) as Float32Array).set(data as Float32Array);
    return block;
  }

  /** A view of a block; valid until the next allocation. */
  view<T extends DType>(block: Block<T>): TensorData<T> {
    return viewOf(block.dtype, this.memory.buffer, block.ptr, block.length);
  }

  /** A copy of a block that the caller owns. */
  copyOut<T extends DType>(block: Block<T>): TensorData<T> {
    const data = allocate(block.dtype, block.length);
    (data as Float32Array).set(this.view(block) as Float32Array);
    return data;
  }

  /** Runs `body` and gives back every block it took, also when it throws. */
  scope<R>(body: () => R): R {
    const top = this.#top;
    try {
      return body();
    } finally {
      this.#top = top;
    }
  }

  #grow(end: number): void {
    const missing = Math.ceil((end - this.memory.buffer.byteLength) / pageBytes);
    if (missing <= 0) return;
    if (end > maximumPages * pageBytes) {
      throw new KerfError(
        'MEMORY_LIMIT',
        'workspace',
        `too much memory: got ${end} bytes, expected at most ${maximumPages * pageBytes}. Use a smaller model or fewer rows.`,
      );
    }
    try {
      this.memory.grow(missing);
    } catch (cause) {
      throw new KerfError(
        'MEMORY_LIMIT',
        'workspace',
        `the host refused memory: got a request for ${end} bytes. Free memory or use fewer rows.`,
        {},
        { cause },
      );
    }
  }
}
