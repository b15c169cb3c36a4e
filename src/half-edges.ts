/** Gives a network of float32 edges of float16: what is fed is widened, what comes out is rounded. */
import { narrowToHalves, widenHalf } from './graph/operators/half.js';
import type { Executor, Feeds, Outputs, RunOptions, SessionStats } from './runtime/executor.js';
import type { Session } from './runtime/session.js';
import { Tensor } from './runtime/tensor.js';

/** An executor over `inner`, which it releases with itself. @param halves  names of the outputs that are float16 */
export function withHalfEdges(inner: Session, halves: ReadonlySet<string>): Executor {
  return new HalfEdges(inner, halves);
}

const mapped = (tensors: Feeds, change: (tensor: Tensor, name: string) => Tensor): Outputs =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, change(tensor, name)]));

const widen = (tensor: Tensor): Tensor =>
  tensor.type === 'float16' ? new Tensor('float32', widenHalf(tensor.data as Uint16Array), tensor.dims) : tensor;

class HalfEdges implements Executor {
  constructor(
    readonly inner: Session,
    readonly halves: ReadonlySet<string>,
  ) {}

  async run(feeds: Feeds, options: RunOptions): Promise<Outputs> {
    return this.#narrow(await this.inner.run(mapped(feeds, widen), options));
  }

  runSync(feeds: Feeds, options: RunOptions): Outputs {
    return this.#narrow(this.inner.runSync(mapped(feeds, widen), options));
  }

  warm(): Promise<void> {
    return this.inner.warm();
  }

  stats(): SessionStats {
    return this.inner.stats();
  }

  release(): Promise<void> {
    return this.inner.release();
  }

  #narrow(outputs: Outputs): Outputs {
    return mapped(outputs, (tensor, name) => {
      const isHalf = this.halves.has(name) && tensor.type === 'float32';
      return isHalf ? new Tensor('float16', narrowToHalves(tensor.data as Float32Array), tensor.dims) : tensor;
    });
  }
}
