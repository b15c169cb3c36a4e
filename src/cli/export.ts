/** `kerf export`: the network that a package holds, as an ONNX file. */
import { readSource } from '../model/load.js';
import { writeOutputFile } from '../model/output-file.js';
import { encodeOnnx } from '../package/onnx-writer.js';
import { graphOfPlan } from '../package/plan-graph/index.js';
import { bytes } from '../report/numbers.js';
import { decodePackage } from '../runtime/format/decode-package.js';
import type { ExportArgs } from './commands/export.js';
import { pathOrStdin } from './input-files.js';
import { withoutOriginal, withoutRounding } from './onnx-remarks.js';
import { usageError } from './options.js';
import { checkOutputPaths } from './output-paths.js';
import { formatJson, print, remark } from './print.js';

export async function runExport({ package: path, output, json }: ExportArgs): Promise<void> {
  checkOutputPaths({ '--output': output }, { PACKAGE: path });
  if (json && output === '-') throw usageError('--json', 'stdout cannot hold ONNX and JSON. Write the ONNX to a file.');
  const source = await readSource(pathOrStdin(path));
  const { plan, cascade } = decodePackage(source.bytes);
  const graph = graphOfPlan(plan);
  const file = encodeOnnx(graph);
  writeOutputFile(output, file);
  if (cascade) remark(withoutOriginal);
  if (plan.weights.some(({ layout }) => layout === 'panels-int8')) remark(withoutRounding);
  if (output === '-') return;
  if (json) {
    const names = (ports: typeof graph.inputs) => ports.map(({ name }) => name);
    const { inputs, outputs, nodes, opset } = graph;
    print(formatJson({ output, opset, nodes: nodes.length, inputs: names(inputs), outputs: names(outputs) }));
  }
  remark(`wrote ${output} (${bytes(file.length)})`);
}
