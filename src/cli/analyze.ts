/** `kerf analyze`: tests a model's weights and prints the evidence. */
import { basename } from 'node:path';
import { analyze, analyzePaper, analyzeWeights } from '../evidence/index.js';
import { fixSizes, requireNetwork } from '../graph/index.js';
import { openWeights } from '../model/index.js';
import { writeOutputFile } from '../model/output-file.js';
import { evidenceJson, formatEvidence } from '../report/evidence.js';
import { evidenceSections } from '../report/evidence-page.js';
import { htmlPage } from '../report/html.js';
import { formatPaper, paperJson } from '../report/paper.js';
import type { AnalyzeArgs } from './commands/analyze.js';
import { readInit } from './init.js';
import { readModel } from './input-files.js';
import { checkOutputPaths } from './output-paths.js';
import { printResult } from './print.js';
import { ProgressLine } from './progress.js';

export async function runAnalyze(args: AnalyzeArgs): Promise<void> {
  const { model: path, fdr, procedure, control, seed, threads, report, json, verbose } = args;
  checkOutputPaths({ '--report': report }, { MODEL: path, '--init': args.init });
  // Weights without a network are read tensor by tensor, a model whole; the paper's procedure needs a network.
  const file = path === '-' || procedure === 'paper' ? null : openWeights(path);
  const graph = file ? null : fixSizes(await readModel(path), args.sizes ?? {}).graph;
  if (graph && procedure === 'paper') requireNetwork(graph);
  const progress = new ProgressLine();
  const onProgress = ({ name, done, total }: { name: string; done: number; total: number }) =>
    progress.update({ stage: `analyze ${name}`, done, total });
  const init = await readInit(args.init);
  const options = { init, fdr, seed, threads, pictures: report !== undefined, onProgress };
  const evidence = await (graph ? analyze(graph, options) : analyzeWeights(file!.weights, options)).finally(() => {
    progress.end();
    file?.close();
  });
  const isPaper = graph && procedure === 'paper';
  const paper = isPaper ? await analyzePaper(graph, { init, control, level: fdr, seed }) : null;
  const view = { width: process.stdout.columns ?? null, verbose: verbose ?? false };
  const text = () => (paper ? formatPaper(paper, evidence) : formatEvidence(evidence, view));
  if (report !== undefined) {
    const beside = paper ? [{ title: 'The paper’s own procedure', text: formatPaper(paper, evidence) }] : [];
    const page = htmlPage('What training supports', [...evidenceSections(evidence), ...beside], basename(path));
    writeOutputFile(report, new TextEncoder().encode(page));
  }
  printResult(json, { ...evidenceJson(evidence), ...(paper && { paper: paperJson(paper) }) }, text);
}
