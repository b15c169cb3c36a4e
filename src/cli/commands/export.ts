import type { Argv, CommandModule } from 'yargs';
import { textOption } from '../options.js';

export interface ExportArgs {
  package: string;
  output: string;
  json: boolean | undefined;
}

function builder(parser: Argv): Argv<ExportArgs> {
  return parser
    .positional('package', { type: 'string', demandOption: true, describe: 'package that kerf decompose wrote' })
    .option('output', textOption({ alias: 'o', demandOption: true, describe: 'ONNX file to write; - is stdout' }))
    .example('kerf export model.kerf -o small.onnx', 'the decomposed network for any ONNX runtime') as never;
}

/** `kerf export`: a package as standard ONNX. */
export const exportCommand: CommandModule<unknown, ExportArgs> = {
  command: 'export <package>',
  describe: 'write the decomposed network of a package as standard ONNX',
  builder,
  handler: async (args) => (await import('../export.js')).runExport(args),
};
