import type { Argv, CommandModule } from 'yargs';
import { fractionOption, seedOption, sizesOption, textOption, wordOrCountOption } from '../options.js';

export interface AnalyzeArgs {
  model: string;
  init: string;
  fdr: number;
  procedure: 'kerf' | 'paper';
  control: 'alpha' | 'bh' | 'bonferroni';
  seed: number;
  sizes: Record<string, number> | undefined;
  threads: number | 'auto';
  report: string | undefined;
  json: boolean | undefined;
  verbose: boolean | undefined;
}

export const initOption = textOption({
  default: 'auto',
  describe:
    'initialisation law (torch-linear, glorot-uniform, normal:0.02, ...), auto to infer it, or a file of initial weights',
});

function builder(parser: Argv): Argv<AnalyzeArgs> {
  return parser
    .positional('model', { type: 'string', demandOption: true, describe: 'model file; - reads stdin' })
    .option('init', initOption)
    .option('fdr', fractionOption('fdr', { default: '0.05', describe: 'false discovery rate of the tests' }))
    .option('procedure', {
      choices: ['kerf', 'paper'],
      default: 'kerf',
      requiresArg: true,
      describe: 'kerf: units, directions, blocks; paper: the edge tests and components of arXiv 2601.15871 beside them',
    })
    .option('control', {
      choices: ['alpha', 'bh', 'bonferroni'],
      default: 'alpha',
      requiresArg: true,
      describe: 'with --procedure paper: error rate of the edge tests, at the level of --fdr',
    })
    .option('seed', seedOption())
    .option('sizes', sizesOption())
    .option(
      'threads',
      wordOrCountOption('threads', ['auto'], {
        default: 'auto',
        describe: 'most threads that test tensors side by side, as memory allows',
      }),
    )
    .option('report', textOption({ describe: 'also write a page with figures, HTML' }))
    .example('kerf analyze model.onnx', 'infer the laws, test every tensor')
    .example('kerf analyze model.onnx --init torch-linear --json', 'test against a known law') as never;
}

/** `kerf analyze`: what training supports. */
export const analyze: CommandModule<unknown, AnalyzeArgs> = {
  command: 'analyze <model>',
  describe: 'test trained weights against their initialisation',
  builder,
  handler: async (args) => (await import('../analyze.js')).runAnalyze(args),
};
