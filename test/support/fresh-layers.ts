/** Networks whose weights really are fresh draws of a law. */
import { analysisKernels, type Law, parseLaw, tensorKey } from '../../src/evidence/index.js';
import type { Layer } from '../../src/graph/layers.js';
import { Tensor } from '../../src/runtime/tensor.js';

/** Uniform numbers on (0, 1) of one stream. */
export function uniforms(seed: number, name: string, count: number): Float64Array {
  const { kernels, workspace } = analysisKernels();
  return workspace.scope(() => {
    const block = workspace.allocate('float64', count);
    kernels.f64_uniform(count, BigInt.asIntN(64, tensorKey(seed, name)), 0n, block.ptr);
    return workspace.copyOut(block);
  });
}

/** Standard normal numbers, by Box and Muller. */
export function normals(seed: number, name: string, count: number): Float64Array {
  const u = uniforms(seed, name, 2 * count);
  return Float64Array.from({ length: count }, (_, i) => {
    return Math.sqrt(-2 * Math.log(u[2 * i])) * Math.cos(2 * Math.PI * u[2 * i + 1]);
  });
}

/** Standard normals conditional on |x| <= 2. */
function cutNormals(seed: number, name: string, count: number): Float64Array {
  const kept: number[] = [];
  for (let round = 0; kept.length < count; round++) {
    for (const x of normals(seed, `${name}/${round}`, count)) if (Math.abs(x) <= 2 && kept.length < count) kept.push(x);
  }
  return Float64Array.from(kept);
}

/** Independent draws of a law, as f32. */
export function draw(law: Law, seed: number, name: string, count: number): Float32Array<ArrayBuffer> {
  if (law.family === 'point') return new Float32Array(count).fill(law.scale);
  const base = {
    normal: () => normals(seed, name, count),
    'truncated-normal': () => cutNormals(seed, name, count),
    uniform: () => uniforms(seed, name, count).map((u) => 2 * u - 1),
    orthogonal: () => normals(seed, name, count),
  }[law.family]();
  return Float32Array.from(base, (x) => x * law.scale);
}

/** A layer of a chain, with weights and biases given. */
export function layerOf(
  name: string,
  weight: Tensor<'float32'>,
  bias: Tensor<'float32'> | null,
  neighbours: { previous?: string; next?: string } = {},
): Layer {
  return {
    name,
    kind: 'linear',
    tensor: `${name}.weight`,
    weight,
    bias,
    biasTensor: bias ? `${name}.bias` : null,
    quantization: null,
    input: '',
    output: '',
    activation: neighbours.next ? 'Relu' : 'none',
    previous: neighbours.previous ? [neighbours.previous] : [],
    next: neighbours.next ? [neighbours.next] : [],
    isRescalable: neighbours.next !== undefined,
  };
}

/** A multi-layer perceptron freshly initialised by a scheme; `scale` multiplies every weight. */
export function freshNet(lawName: string, widths: readonly number[], seed: number, scale = 1): Layer[] {
  const rule = parseLaw(lawName);
  const count = widths.length - 1;
  return Array.from({ length: count }, (_, i) => {
    const fans = { fanIn: widths[i], fanOut: widths[i + 1] };
    const name = `fc${i + 1}`;
    const weights = draw(rule.weight(fans), seed, `${name}.weight`, fans.fanIn * fans.fanOut);
    const bias = draw(rule.bias(fans), seed, `${name}.bias`, fans.fanOut);
    return layerOf(
      name,
      new Tensor(
        'float32',
        weights.map((w) => w * scale),
        [fans.fanOut, fans.fanIn],
      ),
      new Tensor('float32', bias, [fans.fanOut]),
      { ...(i > 0 && { previous: `fc${i}` }), ...(i + 1 < count && { next: `fc${i + 2}` }) },
    );
  });
}
