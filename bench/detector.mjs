/** VS Code's language detector on real source files; the peers get it as ONNX, written by kerf. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bucketIdsTensor, findSourceFiles } from '../build/src/demo/index.js';
import { loadModel } from '../build/src/model/index.js';
import { encodeOnnx } from '../build/src/package/onnx-writer.js';
import { folder, makePackage, root } from './decompose.mjs';

const modelPath = join(root, 'node_modules', '@vscode', 'vscode-languagedetection', 'model', 'model.json');
const classes = 54;

/** Inputs that take turns. */
const inputCount = 4;

/** Implementations must agree as closely as ONNX's conformance cases demand: the sums are long, their orders differ. */
const [relative, absolute] = [1e-3, 1e-7];

/** The dense contenders are independent of each other: each must give what the first gave. */
function verifier() {
  let first;
  return (who, values) => {
    if (who === 'kerf decomposed') return;
    first ??= values;
    for (const [i, value] of values.entries()) {
      if (!(Math.abs(value - first[i]) <= relative * Math.abs(first[i]) + absolute)) {
        throw new Error(`${who}: probability ${i} is wrong: got ${value}, another implementation gave ${first[i]}`);
      }
    }
  };
}

function feedOf(texts) {
  const { type, data, dims } = bucketIdsTensor(texts);
  return { bucket_ids: { type, data, dims } };
}

/** The network and its cases, one for each batch size; writes it as ONNX and decomposes it first. */
export async function detector(batches) {
  const { graph } = await loadModel(modelPath);
  mkdirSync(folder, { recursive: true });
  const onnx = join(folder, 'detector.onnx');
  writeFileSync(onnx, encodeOnnx(graph));
  const modules = ['.', 'test', 'examples', 'bench'].map((name) => join(root, name, 'node_modules'));
  const texts = findSourceFiles(modules).map(({ text }) => text);
  const made = await makePackage('detector', modelPath, { calibration: { bucket_ids: bucketIdsTensor(texts) } });
  const cases = batches.map((batch) => {
    const textsOf = (i) => Array.from({ length: batch }, (_, m) => texts[(i * batch + m) % texts.length]);
    const feeds = Array.from({ length: inputCount }, (_, i) => feedOf(textsOf(i)));
    const job = { kind: 'model', model: modelPath, onnx, package: made.path, output: 'probabilities', feeds };
    return { batch, job, width: classes, verify: verifier() };
  });
  return { name: 'language detector', made, cases };
}
