import type { Argv, CommandModule } from 'yargs';
import { numberOption, revectorizeOption, textOption, wordOrCountOption } from '../options.js';

export interface RunArgs {
  file: string;
  input: readonly string[] | undefined;
  output: string | undefined;
  threads: 'auto' | number;
  executor: 'auto' | 'wasm' | 'pool' | 'ort';
  timeoutMs: number | undefined;
  revectorize: boolean;
  json: boolean | undefined;
}

function builder(parser: Argv): Argv<RunArgs> {
  const wholeMs = { minimum: 1, maximum: 2 ** 31 - 1, integer: true };
  return parser
    .positional('file', { type: 'string', demandOption: true, describe: 'model or package' })
    .option('input', {
      alias: 'i',
      type: 'string',
      array: true,
      requiresArg: true,
      describe: 'NAME=FILE (npy, csv, json, jsonl) or a FILE of named arrays (npz, json); - reads JSON from stdin',
    })
    .option(
      'output',
      textOption({ alias: 'o', describe: 'npy, npz or json file; default: stdout, - is JSON on stdout' }),
    )
    .option('threads', wordOrCountOption('threads', ['auto'], { default: 'auto', describe: 'threads to compute on' }))
    .option('executor', {
      choices: ['auto', 'wasm', 'pool', 'ort'],
      default: 'auto',
      requiresArg: true,
      describe: 'what computes',
    })
    .option('timeout-ms', numberOption('timeout-ms', wholeMs, { describe: 'give up after so many milliseconds' }))
    .option('revectorize', revectorizeOption)
    .example('kerf run model.onnx --input x=x.npy --json', 'outputs by name, as JSON')
    .example('kerf run model.kerf --input x.npz -o y.npz --threads 2', 'a package on two threads') as never;
}

/** `kerf run`: inference on a model as it is, or on a package. */
export const run: CommandModule<unknown, RunArgs> = {
  command: 'run <file>',
  describe: 'run a model or a package on data',
  builder,
  handler: async (args) => (await import('../run.js')).runRun(args),
};
