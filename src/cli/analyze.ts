/** `kerf analyze`: tests a model's weights and prints the evidence. */
import { analyze } from '../evidence/index.js';
import { evidenceJson, formatEvidence } from '../report/evidence.js';
import { htmlPage } from '../report/html.js';
import type { AnalyzeArgs } from './commands/analyze.js';
import { readInit } from './init.js';
import { readModel } from './input-files.js';
import { checkOutputPath, writeOutputFile } from './output-file.js';
import { printResult } from './print.js';
import { ProgressLine } from './progress.js';

export async function runAnalyze({ model: path, init, fdr, seed, report, json }: AnalyzeArgs): Promise<void> {
  if (report !== undefined) checkOutputPath(report);
  const { graph } = await readModel(path);
  const progress = new ProgressLine();
  const onProgress = ({ name, done, total }: { name: string; done: number; total: number }) =>
    progress.update({ stage: `analyze ${name}`, done, total });
  const evidence = await analyze(graph, { init: await readInit(init), fdr, seed, onProgress }).finally(() =>
    progress.end(),
  );
  if (report !== undefined) {
    const page = htmlPage('kerf analyze', [{ title: 'What training supports', text: formatEvidence(evidence) }]);
    writeOutputFile(report, new TextEncoder().encode(page));
  }
  printResult(json, evidenceJson(evidence), () => formatEvidence(evidence));
}
