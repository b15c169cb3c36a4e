/**
 * Writes expected.json: what onnxruntime computes for the cases of test/support/fused-cases.ts.
 *
 *     npm run build && node scripts/install.mjs bench && node test/golden/fused/make.mjs
 */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { encodeMessage } from '../../../build/src/graph/protobuf/encode.js';
import { modelTable } from '../../../build/src/graph/protobuf/onnx-schema.js';
import { attributeMessage, tensorMessage, valueInfo } from '../../../build/src/package/onnx-messages.js';
import { fusedCases } from '../../../build/test/support/fused-cases.js';

const ort = createRequire(new URL('../../../bench/package.json', import.meta.url))('onnxruntime-node');

/** Lists of fractions are floats, as other lists are not. */
function attributeOf(name, value) {
  const isReal = Array.isArray(value) && value.some((one) => !Number.isInteger(one));
  return isReal ? { name, type: 6, floats: Float32Array.from(value) } : attributeMessage(name, value);
}

function fileOf({ nodes, inputs, outputs, initializers, opset }) {
  const graph = {
    name: 'case',
    node: nodes.map(({ name, op, domain, inputs: input, outputs: output, attributes }) => ({
      ...{ name, domain, input, output, opType: op },
      attribute: [...attributes].map(([key, value]) => attributeOf(key, value)),
    })),
    initializer: [...initializers].map(([name, tensor]) => tensorMessage(name, tensor)),
    input: inputs.map(valueInfo),
    output: outputs.map(({ name }) => ({ name })),
  };
  const opsetImport = [
    { domain: '', version: BigInt(opset) },
    { domain: 'com.microsoft', version: 1n },
  ];
  return encodeMessage({ irVersion: opset < 23 ? 8n : 11n, graph, opsetImport }, modelTable);
}

const expected = {};
for (const { name, graph, feeds } of fusedCases) {
  const session = await ort.InferenceSession.create(fileOf(graph), { graphOptimizationLevel: 'disabled' });
  const tensors = Object.entries(feeds).map(([key, { type, data, dims }]) => [key, new ort.Tensor(type, data, dims)]);
  const outputs = await session.run(Object.fromEntries(tensors));
  expected[name] = Object.fromEntries(
    Object.entries(outputs).map(([key, { type, dims, data }]) => [key, { type, dims, data: Array.from(data, Number) }]),
  );
}
writeFileSync(new URL('expected.json', import.meta.url), `${JSON.stringify(expected)}\n`);
