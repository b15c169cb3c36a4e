import type { Argv, CommandModule } from 'yargs';
import { textOption } from '../options.js';

export interface ReportArgs {
  package: string;
  output: string;
  json: boolean | undefined;
}

function builder(parser: Argv): Argv<ReportArgs> {
  return parser
    .positional('package', { type: 'string', demandOption: true, describe: 'package that kerf decompose wrote' })
    .option('output', textOption({ alias: 'o', demandOption: true, describe: 'HTML page to write; - is stdout' }))
    .example('kerf report model.kerf -o model.html', 'contents, stages and certificate as a page') as never;
}

/** `kerf report`: a package as a page for people. */
export const report: CommandModule<unknown, ReportArgs> = {
  command: 'report <package>',
  describe: 'write what a package contains, and its certificate, as an HTML page',
  builder,
  handler: async (args) => (await import('../report.js')).runReport(args),
};
