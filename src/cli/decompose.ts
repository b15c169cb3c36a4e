/** `kerf decompose`: reads model and data, runs the pipeline, writes the package, prints what was done. */
import { basename } from 'node:path';

import { checkOutputPath, writeOutputFile } from '../model/output-file.js';
import { encodePackage } from '../package/kerf-writer.js';
import { encodeOnnx } from '../package/onnx-writer.js';
import { type Decomposition, decompose } from '../pipeline.js';
import { formatDecomposition } from '../report/decomposition.js';
import { decompositionSections } from '../report/decomposition-page.js';
import { evidenceSections } from '../report/evidence-page.js';
import { htmlPage } from '../report/html.js';
import { bytes } from '../report/numbers.js';
import type { DecomposeArgs } from './commands/decompose.js';
import { readInit } from './init.js';
import { readModel } from './input-files.js';
import { readRows } from './inputs.js';
import { usageError } from './options.js';
import { formatJson, print, remark } from './print.js';
import { ProgressLine } from './progress.js';

function checkArgs({ output, onnx, report, json }: DecomposeArgs): void {
  for (const path of [output, onnx, report]) if (path !== undefined) checkOutputPath(path);
  if (json && output === '-')
    throw usageError('--json', 'stdout cannot hold package and JSON. Write the package to a file.');
}

async function decomposeArgs(args: DecomposeArgs): Promise<Decomposition> {
  const model = await readModel(args.model);
  const { inputs } = model.graph;
  const progress = new ProgressLine();
  try {
    return await decompose(model, {
      init: await readInit(args.init),
      fdr: args.fdr,
      calibration: args.calibration === undefined ? null : await readRows(args.calibration, inputs),
      guard: args.guard === undefined ? null : await readRows(args.guard, inputs),
      maxDisagreement: args.maxDisagreement,
      confidence: args.confidence,
      decision: args.decision,
      parts: args.parts,
      bus: args.bus,
      cascade: args.cascade,
      seed: args.seed,
      pictures: args.report !== undefined,
      onProgress: progress.update,
    });
  } finally {
    progress.end();
  }
}

/** What an ONNX file of a cascade is not. */
const withoutOriginal =
  'the ONNX file holds the decomposed network without the original for unsure inputs: the certificate is not of it; --cascade off gives one that is';

function reportPage({ evidence, summary }: Decomposition, model: string): Uint8Array {
  const sections = [...decompositionSections(summary), ...evidenceSections(evidence)];
  return new TextEncoder().encode(htmlPage('Decomposition', sections, basename(model)));
}

export async function runDecompose(args: DecomposeArgs): Promise<void> {
  checkArgs(args);
  const decomposition = await decomposeArgs(args);
  const file = encodePackage(decomposition.package);
  if (args.report !== undefined) writeOutputFile(args.report, reportPage(decomposition, args.model));
  if (args.onnx !== undefined) writeOutputFile(args.onnx, encodeOnnx(decomposition.parts.graph));
  if (args.onnx !== undefined && decomposition.package.cascade) remark(withoutOriginal);
  writeOutputFile(args.output, file);
  if (args.output === '-') return;
  print(args.json ? formatJson(decomposition.summary) : formatDecomposition(decomposition.summary));
  remark(`wrote ${args.output} (${bytes(file.length)})`);
}
