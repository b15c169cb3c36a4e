/** Which inputs of layers the others replace best: backward elimination in the metric of the inputs. */
import { analysisKernels } from '../evidence/analysis.js';
import { type Moments, metricOf } from './least-squares.js';
import { addDiagonal, type Matrix, multiply, solveSymmetric } from './matrix.js';

export interface Elimination {
  /** Inputs, or groups of them, in the order in which they go. */
  readonly order: Int32Array<ArrayBuffer>;
  /** What each removal adds to the squared error of the outputs; never less than the one before. */
  readonly costs: Float64Array<ArrayBuffer>;
}

/**
 * Removes inputs one by one, always the one that costs least; those that stay take over what they can (least squares).
 * @param effects  A with y = A x for everything that reads the inputs, [out, in]: errors of all y count alike
 * @param moments  of the inputs
 * @param size  inputs in a row that go together
 * @complexity O(in^2 (in + out) + in^2 (size + out))
 */
export function eliminateInputs(effects: Matrix, moments: Moments, size = 1): Elimination {
  const { kernels, workspace } = analysisKernels();
  const n = effects.columns;
  const inverse = solveSymmetric(metricOf(moments), identity(n));
  const byInput = multiply(effects, identity(effects.rows), true);
  return workspace.scope(() => {
    const h = workspace.copyIn('float64', inverse.data);
    const b = workspace.copyIn('float64', byInput.data);
    const [active, order] = [workspace.allocate('int32', n), workspace.allocate('int32', n / size)];
    const costs = workspace.allocate('float64', n / size);
    const k = effects.rows;
    if (size === 1) kernels.f64_eliminate_inputs(n, h.ptr, k, b.ptr, active.ptr, order.ptr, costs.ptr);
    else {
      const scratch = workspace.allocate('float64', size * (size + k));
      kernels.f64_eliminate_groups(n, size, h.ptr, k, b.ptr, active.ptr, order.ptr, costs.ptr, scratch.ptr);
    }
    return { order: workspace.copyOut(order), costs: ascending(workspace.copyOut(costs)) };
  });
}

const identity = (n: number): Matrix => addDiagonal({ rows: n, columns: n, data: new Float64Array(n * n) }, 1);

/** The largest value so far, at each place. */
function ascending(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  let largest = 0;
  return values.map((value) => {
    largest = Math.max(largest, value);
    return largest;
  });
}
