import type { Argv, CommandModule } from 'yargs';
import { numberOption, revectorizeOption, textOption, wordOrCountOption } from '../options.js';

export interface BenchArgs {
  file: string;
  against: string | undefined;
  batch: string | undefined;
  threads: number;
  data: string | undefined;
  peerModel: string | undefined;
  seconds: number;
  revectorize: boolean;
  json: boolean | undefined;
}

function builder(parser: Argv): Argv<BenchArgs> {
  const seconds = { minimum: 0.05, maximum: 3600 };
  return parser
    .positional('file', { type: 'string', demandOption: true, describe: 'model or package' })
    .option(
      'against',
      textOption({ describe: 'peers, e.g. onnxruntime-web,onnxruntime-node; found in node_modules here' }),
    )
    .option('batch', textOption({ describe: 'batch sizes, e.g. 1,64; default: 1, or what the model fixes' }))
    .option('threads', wordOrCountOption('threads', [], { default: '1', describe: 'threads of every contender' }))
    .option(
      'data',
      textOption({ describe: 'npz with arrays named like the inputs; default: uniform numbers in [0, 1)' }),
    )
    .option('revectorize', revectorizeOption)
    .option('peer-model', textOption({ describe: 'ONNX file that the peers run; default: the model itself' }))
    .option(
      'seconds',
      numberOption('seconds', seconds, { default: '2', describe: 'time of each contender at each batch size' }),
    )
    .example('kerf bench model.onnx --batch 1,64', 'time per call')
    .example('kerf bench model.onnx --against onnxruntime-web --json', 'beside a peer, in turns') as never;
}

/** `kerf bench`: speed, contenders in turns, each in its own process. */
export const bench: CommandModule<unknown, BenchArgs> = {
  command: 'bench <file>',
  describe: 'measure speed, beside other runtimes where they are installed',
  builder,
  handler: async (args) => (await import('../bench.js')).runBench(args),
};
