import type { Argv, CommandModule } from 'yargs';
import { fractionOption, numberOption, seedOption, sizesOption, textOption, wordOrCountOption } from '../options.js';
import { initOption } from './analyze.js';

export interface DecomposeArgs {
  model: string;
  output: string;
  init: string;
  calibration: string | undefined;
  guard: string | undefined;
  groups: string | undefined;
  labels: string | undefined;
  maxDisagreement: number;
  exact: boolean;
  confidence: number;
  decision: string;
  parts: 'auto' | number;
  bus: 'auto' | number;
  cascade: 'auto' | 'on' | 'off';
  costs: string;
  batch: number;
  weights: 'f32' | 'f16' | 'int8';
  fdr: number;
  tune: number;
  seed: number;
  sizes: Record<string, number> | undefined;
  onnx: string | undefined;
  report: string | undefined;
  json: boolean | undefined;
}

function builder(parser: Argv): Argv<DecomposeArgs> {
  return parser
    .positional('model', { type: 'string', demandOption: true, describe: 'model file; - reads stdin' })
    .option('output', textOption({ alias: 'o', demandOption: true, describe: 'package to write; - is stdout' }))
    .option('init', initOption)
    .option('calibration', textOption({ describe: 'npz with arrays named like the inputs: data to fit on' }))
    .option(
      'guard',
      textOption({ describe: 'npz of unseen data that decides; default: a part of the calibration data' }),
    )
    .option(
      'groups',
      textOption({
        describe:
          'cluster of each guard item: an array of the guard file by name, or a file; clusters are then counted',
      }),
    )
    .option(
      'labels',
      textOption({
        describe: 'true class of each guard item, given like --groups: right answers before and after are then told',
      }),
    )
    .option(
      'max-disagreement',
      fractionOption('max-disagreement', { default: '0.005', describe: 'share of answers that may change' }),
    )
    .option('exact', {
      type: 'boolean',
      default: false,
      describe: 'change not one bit: only exact zeros go, and columns that no calibration row lights',
    })
    .option(
      'confidence',
      fractionOption('confidence', { default: '0.95', describe: 'confidence of that promise, one-sided' }),
    )
    .option(
      'decision',
      textOption({ default: 'auto', describe: 'what an answer is: argmax, threshold:0.5, error:0.1' }),
    )
    .option(
      'parts',
      wordOrCountOption('parts', ['auto'], {
        default: 'auto',
        describe: 'independent parts: auto, or a number that is demanded',
      }),
    )
    .option(
      'bus',
      wordOrCountOption(
        'bus',
        ['auto'],
        { default: 'auto', describe: 'numbers a layer, on average, that demanded parts exchange: auto, or a number' },
        0,
      ),
    )
    .option('fdr', fractionOption('fdr', { default: '0.05', describe: 'false discovery rate of the tests' }))
    .option('cascade', {
      choices: ['auto', 'on', 'off'],
      default: 'auto',
      requiresArg: true,
      describe:
        'carry the original for inputs that are unsure, or unlike all calibration data; auto: where that lowers the work',
    })
    .option(
      'tune',
      numberOption(
        'tune',
        { minimum: 0, maximum: 1e6, integer: true },
        {
          default: '0',
          describe: 'steps of training on calibration data, without labels; 1000 are some seconds a stage',
        },
      ),
    )
    .option(
      'costs',
      textOption({
        default: 'work',
        describe: 'what structures are compared by: work (multiply-adds), time, or a table of "npm run bench -- costs"',
      }),
    )
    .option(
      'batch',
      numberOption(
        'batch',
        { minimum: 1, maximum: 65536, integer: true },
        { default: '64', describe: 'rows of the calls whose time is compared' },
      ),
    )
    .option('weights', {
      choices: ['f32', 'f16', 'int8'],
      default: 'f32',
      requiresArg: true,
      describe: 'store linear layers in half or a quarter of the bytes; demanded, under the same guard',
    })
    .option('seed', seedOption())
    .option('sizes', sizesOption())
    .option('onnx', textOption({ describe: 'also write the decomposed network as standard ONNX' }))
    .option('report', textOption({ describe: 'also write a page for people, HTML' }))
    .example(
      'kerf decompose model.onnx -o model.kerf',
      'without data: what the weights alone say is unused; nothing is proved',
    )
    .example('kerf decompose model.onnx -o model.kerf --exact', 'only what is provably exact')
    .example('kerf decompose model.onnx -o model.kerf --calibration x.npz', 'fit on data, guarded by a fifth of it')
    .example(
      'kerf decompose model.onnx -o m.kerf --calibration x.npz --guard y.npz --max-disagreement 0.02',
      '',
    ) as never;
}

/** `kerf decompose`: the whole pipeline, model in, package out. */
export const decompose: CommandModule<unknown, DecomposeArgs> = {
  command: 'decompose <model>',
  describe: 'remove what training never supported, under a guard; write one package',
  builder,
  handler: async (args) => (await import('../decompose.js')).runDecompose(args),
};
