import type { Argv, CommandModule } from 'yargs';
import { fractionOption, seedOption, textOption } from '../options.js';
import { printResult } from '../print.js';
import { ProgressLine } from '../progress.js';

interface AnalyzeArgs {
  model: string;
  init: string;
  fdr: number;
  seed: number;
  json: boolean | undefined;
}

export const initOption = textOption({
  default: 'auto',
  describe: 'law the weights were initialised from, e.g. torch-linear, glorot-uniform, normal:0.02; auto infers it',
});

function builder(parser: Argv): Argv<AnalyzeArgs> {
  return parser
    .positional('model', { type: 'string', demandOption: true, describe: 'model file; - reads stdin' })
    .option('init', initOption)
    .option('fdr', fractionOption('fdr', { default: '0.05', describe: 'false discovery rate of the tests' }))
    .option('seed', seedOption())
    .example('kerf analyze model.onnx', 'infer the laws, test every tensor')
    .example('kerf analyze model.onnx --init torch-linear --json', 'test against a known law') as never;
}

/** `kerf analyze`: what training supports. */
export const analyze: CommandModule<unknown, AnalyzeArgs> = {
  command: 'analyze <model>',
  describe: 'test trained weights against their initialisation',
  builder,
  handler: async ({ model: path, init, fdr, seed, json }) => {
    const { readModel } = await import('../input-files.js');
    const { analyzeLayers } = await import('../../evidence/index.js');
    const { canonicalise } = await import('../../graph/canonicalise.js');
    const { findLayers } = await import('../../graph/layers.js');
    const { evidenceJson, formatEvidence } = await import('../../report/evidence.js');
    const model = await readModel(path);
    const progress = new ProgressLine();
    const evidence = await analyzeLayers(findLayers(canonicalise(model.graph)), {
      init,
      fdr,
      seed,
      onProgress: ({ name, ...rest }) => progress.update({ stage: `analyze ${name}`, ...rest }),
    }).finally(() => progress.end());
    printResult(json, evidenceJson(evidence), () => formatEvidence(evidence));
  },
};
