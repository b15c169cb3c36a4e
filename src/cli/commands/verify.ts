import type { Argv, CommandModule } from 'yargs';
import { textOption } from '../options.js';

export interface VerifyArgs {
  package: string;
  against: string;
  data: string;
  groups: string | undefined;
  json: boolean | undefined;
}

function builder(parser: Argv): Argv<VerifyArgs> {
  return parser
    .positional('package', { type: 'string', demandOption: true, describe: 'package that kerf decompose wrote' })
    .option('against', textOption({ demandOption: true, describe: 'the original model' }))
    .option(
      'data',
      textOption({ demandOption: true, describe: 'npz with arrays named like the inputs: data neither has seen' }),
    )
    .option(
      'groups',
      textOption({
        describe:
          'cluster of each sample: an array of the data file by name, or a file; needed for a certificate of clusters',
      }),
    )
    .example(
      'kerf verify model.kerf --against model.onnx --data new.npz',
      'fails with exit code 4 when the promise is broken',
    ) as never;
}

/** `kerf verify`: package and original on the same new data. */
export const verify: CommandModule<unknown, VerifyArgs> = {
  command: 'verify <package>',
  describe: 'compare a package with its original on new data; exit 4 if its promise is broken',
  builder,
  handler: async (args) => (await import('../verify.js')).runVerify(args),
};
