/** Weights of a convolution as the step reads them: rows with the bias first. */
import type { Operand } from '../../runtime/plan.js';
import type { Tensor } from '../../runtime/tensor.js';
import type { PlanBuilder } from '../operator.js';

/**
 * Constant weights [outputs, ..] and their bias as rows [outputs, 1 + taps].
 * @param name  says what the weights are: equal names and biases are stored once
 */
export function placeWeights(
  builder: PlanBuilder,
  name: string,
  weights: Tensor<'float32'>,
  bias: { readonly name: string; readonly value: Tensor } | null,
): Operand {
  const outputs = weights.dims[0];
  const taps = outputs === 0 ? 0 : weights.size / outputs;
  const row = 1 + taps;
  const data = new Float32Array(outputs * row);
  for (let o = 0; o < outputs; o++) {
    data[o * row] = bias ? (bias.value.data[o] as number) : 0;
    data.set(weights.data.subarray(o * taps, (o + 1) * taps), o * row + 1);
  }
  const key = JSON.stringify(bias ? [name, bias.name] : [name]);
  return builder.weight({ name: `rows ${key}`, dtype: 'float32', shape: [outputs, row], layout: 'plain', data });
}
