import type { Layer } from '../../../src/graph/layers.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { createRandom } from '../../oracle/random.js';

/** A name that would run a script where it is not escaped. */
export const hostileName = '<img src=x onerror=alert(1)>';

const [rows, columns] = [40, 64];

function layerOf(name: string, data: Float32Array<ArrayBuffer>): Layer {
  return {
    name,
    kind: 'linear',
    tensor: `${name}.weight`,
    weight: new Tensor('float32', data, [rows, columns]),
    bias: null,
    biasTensor: null,
    quantization: null,
    input: `${name}.x`,
    output: `${name}.y`,
    activation: 'none',
    previous: [],
    next: [],
    isRescalable: false,
  };
}

/** Two layers that do not feed each other: pure noise N(0, 1), and noise with a strong quarter. */
export function plantedLayers(): Layer[] {
  const random = createRandom(5);
  const noise = () => Float32Array.from({ length: rows * columns }, () => random.normal());
  const isStrong = (i: number) => i % columns < columns / 4 && i < (rows * columns) / 4;
  const planted = noise().map((value, i) => (isStrong(i) ? value + 3 : value));
  return [layerOf('pure', noise()), layerOf(`${hostileName} a long name`, planted)];
}
