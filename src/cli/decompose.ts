/** `kerf decompose`: reads model and data, runs the pipeline, writes the package, prints what was done. */
import { statSync } from 'node:fs';
import { basename } from 'node:path';

import { loadCostTable } from '../cost-table.js';
import { fixSizes } from '../graph/index.js';
import { defaultLimits } from '../model/index.js';
import { writeOutputFile } from '../model/output-file.js';
import { readFile } from '../model/read-file.js';
import { encodePackage } from '../package/kerf-writer.js';
import { encodeOnnx } from '../package/onnx-writer.js';
import { type Decomposition, decompose } from '../pipeline.js';
import type { EarlierPackage } from '../provenance.js';
import { formatDecomposition } from '../report/decomposition.js';
import { decompositionSections } from '../report/decomposition-page.js';
import { evidenceSections } from '../report/evidence-page.js';
import { htmlPage } from '../report/html.js';
import { bytes } from '../report/numbers.js';
import type { Feeds } from '../runtime/executor.js';
import { decodePackage } from '../runtime/format/decode-package.js';
import { readBeside, wholeNumbers } from './beside.js';
import type { DecomposeArgs } from './commands/decompose.js';
import { readInit } from './init.js';
import { readModel } from './input-files.js';
import { type InputPort, readRows } from './inputs.js';
import { withoutOriginal, withoutRounding } from './onnx-remarks.js';
import { usageError } from './options.js';
import { checkOutputPaths } from './output-paths.js';
import { formatJson, print, remark } from './print.js';
import { ProgressLine } from './progress.js';
import { heedSignals } from './signals.js';

function checkArgs({ output, onnx, report, json, ...inputs }: DecomposeArgs): void {
  const { model, init, calibration, guard, groups, labels, costs } = inputs;
  checkOutputPaths(
    { '--output': output, '--onnx': onnx, '--report': report },
    {
      ...{ MODEL: model, '--init': init, '--calibration': calibration, '--guard': guard },
      ...{ '--groups': groups, '--labels': labels, '--costs': costs },
    },
  );
  if (json && output === '-')
    throw usageError('--json', 'stdout cannot hold package and JSON. Write the package to a file.');
}

interface GuardData {
  readonly calibration: Feeds | null;
  readonly guard: Feeds | null;
  readonly groups: ArrayLike<string | number | bigint> | null;
  readonly labels: ArrayLike<number> | null;
}

/** Calibration and guard, and what belongs to each guard item; to each calibration row when there is no guard. */
async function readData(
  { calibration, guard, groups, labels }: DecomposeArgs,
  ports: readonly InputPort[],
): Promise<GuardData> {
  const read = async (path: string | undefined) => (path === undefined ? null : await readRows(path, ports));
  const data = { calibration: await read(calibration), guard: await read(guard) };
  const role = guard === undefined ? 'calibration' : 'guard';
  const clusters = await readBeside('--groups', groups, data[role]);
  const truth = await readBeside('--labels', labels, clusters.rows);
  return { ...data, [role]: truth.rows, groups: clusters.values, labels: truth.values && wholeNumbers(truth.values) };
}

/** The package that stands where the new one will: whether its guard is the same one matters. Null for none. */
function readEarlier(path: string): EarlierPackage | null {
  // A device or pipe is written to, never read: it may have no end.
  if (path === '-' || !statSync(path, { throwIfNoEntry: false })?.isFile()) return null;
  try {
    return decodePackage(readFile(path, defaultLimits.maxFileBytes, 'earlier package'));
  } catch {
    // Whatever stands there is overwritten; only a package can tell of its guard.
    return null;
  }
}

async function decomposeArgs(args: DecomposeArgs): Promise<Decomposition> {
  const model = fixSizes(await readModel(args.model), args.sizes ?? {});
  const { inputs } = model.graph;
  const progress = new ProgressLine();
  try {
    return await decompose(model, {
      init: await readInit(args.init),
      fdr: args.fdr,
      ...(await readData(args, inputs)),
      earlier: readEarlier(args.output),
      maxDisagreement: args.maxDisagreement,
      exact: args.exact,
      confidence: args.confidence,
      decision: args.decision,
      parts: args.parts,
      bus: args.bus,
      cascade: args.cascade,
      tune: args.tune,
      costs: args.costs === 'work' || args.costs === 'time' ? args.costs : loadCostTable(args.costs),
      batch: args.batch,
      weights: args.weights,
      seed: args.seed,
      pictures: args.report !== undefined,
      onProgress: progress.update,
    });
  } finally {
    progress.end();
  }
}

function reportPage({ evidence, summary }: Decomposition, model: string): Uint8Array {
  const sections = [...decompositionSections(summary), ...evidenceSections(evidence)];
  return new TextEncoder().encode(htmlPage('Decomposition', sections, basename(model)));
}

export async function runDecompose(args: DecomposeArgs): Promise<void> {
  checkArgs(args);
  const decomposition = await decomposeArgs(args);
  const file = encodePackage(decomposition.package);
  const page = args.report === undefined ? null : reportPage(decomposition, args.model);
  const onnx = args.onnx === undefined ? null : encodeOnnx(decomposition.stored);
  await heedSignals();
  if (page) writeOutputFile(args.report!, page);
  if (onnx) writeOutputFile(args.onnx!, onnx);
  if (args.onnx !== undefined && decomposition.package.cascade) remark(withoutOriginal);
  if (args.onnx !== undefined && args.weights === 'int8') remark(withoutRounding);
  writeOutputFile(args.output, file);
  const { earlierUses } = decomposition.summary.certificate;
  if (earlierUses > 0)
    remark(`the guard was used before (${earlierUses}): the certificate counts it; a new guard would prove more`);
  if (args.output === '-') return;
  print(args.json ? formatJson(decomposition.summary) : formatDecomposition(decomposition.summary));
  remark(`wrote ${args.output} (${bytes(file.length)})`);
}
