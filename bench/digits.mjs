/** The digits net of the fixtures: its images and its truth in f64. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findDigits, pixels, readDigits } from '../build/src/demo/index.js';
import { readOnnx } from '../build/src/model/index.js';
import { makePackage, root } from './decompose.mjs';

const modelPath = join(root, 'test', 'golden', 'digits', 'digits.onnx');
const classes = 10;

/** Inputs that take turns. */
const inputCount = 4;

/** The three layers, [out, in] and bias. */
function layers() {
  const { initializers } = readOnnx(readFileSync(modelPath)).graph;
  return [1, 2, 3].map((i) => ({
    w: initializers.get(`fc${i}.weight`).data,
    b: initializers.get(`fc${i}.bias`).data,
  }));
}

/**
 * Logits of one image in f64, with a bound on the error of f32: each layer adds gamma_{K+1} (|b| + sum |w||x|) to the
 * errors that its inputs bring, sum |w| e; ReLU moves no two values further apart.
 */
function truth(net, image) {
  let [values, errors] = [Float64Array.from(image), new Float64Array(image.length)];
  for (const [index, { w, b }] of net.entries()) {
    const [K, u] = [values.length, 2 ** -24];
    const gamma = ((K + 1) * u) / (1 - (K + 1) * u);
    const [next, nextErrors] = [new Float64Array(b.length), new Float64Array(b.length)];
    for (let n = 0; n < b.length; n++) {
      let [sum, size, error] = [b[n], Math.abs(b[n]), 0];
      for (let k = 0; k < K; k++) {
        const weight = w[n * K + k];
        sum += weight * values[k];
        size += Math.abs(weight) * (Math.abs(values[k]) + errors[k]);
        error += Math.abs(weight) * errors[k];
      }
      next[n] = index < net.length - 1 ? Math.max(sum, 0) : sum;
      nextErrors[n] = error + gamma * size;
    }
    [values, errors] = [next, nextErrors];
  }
  return { values, errors };
}

/** Every logit of a contender that runs the dense net must lie within its bound. */
function verifier(net, batch, x) {
  const rows = Array.from({ length: batch }, (_, m) => truth(net, x.subarray(m * pixels, (m + 1) * pixels)));
  return (who, logits) => {
    if (who === 'kerf decomposed') return;
    for (const [i, logit] of logits.entries()) {
      const { values, errors } = rows[Math.floor(i / classes)];
      const [value, bound] = [values[i % classes], errors[i % classes]];
      if (!(Math.abs(logit - value) <= bound)) {
        throw new Error(`${who}: logit ${i} is wrong: got ${logit}, expected ${value} +- ${bound}`);
      }
    }
  };
}

/** The network and its cases, one for each batch size; decomposes the net first. */
export async function digits(batches) {
  const { calibration, guard, test } = readDigits(findDigits([join(root, 'examples', 'node_modules')]));
  const made = await makePackage('digits', modelPath, { calibration: { x: calibration.x }, guard: { x: guard.x } });
  const net = layers();
  const cases = batches.map((batch) => {
    const size = batch * pixels;
    const inputs = Array.from({ length: inputCount }, (_, i) => test.x.data.slice(i * size, (i + 1) * size));
    const feeds = inputs.map((x) => ({ x: { type: 'float32', data: x, dims: [batch, pixels] } }));
    return {
      batch,
      job: { kind: 'model', model: modelPath, onnx: modelPath, package: made.path, output: 'logits', feeds },
      width: classes,
      verify: verifier(net, batch, inputs[0]),
    };
  });
  return { name: 'digits 784-256-256-10', made, cases };
}
