import type { Argv, CommandModule } from 'yargs';
import { printResult } from '../print.js';

interface InspectArgs {
  model: string;
  json: boolean | undefined;
}

function builder(parser: Argv): Argv<InspectArgs> {
  return parser
    .positional('model', { type: 'string', demandOption: true, describe: 'model file; - reads stdin' })
    .example('kerf inspect model.onnx', 'ports, operators and tensors')
    .example('kerf inspect model.onnx --json | jq .unsupported', 'operators that kerf cannot run') as never;
}

/** `kerf inspect`: what a model file contains. */
export const inspect: CommandModule<unknown, InspectArgs> = {
  command: 'inspect <model>',
  describe: 'tell what a model contains: inputs, outputs, operators, weights',
  builder,
  handler: async ({ model: path, json }) => {
    const { readModel } = await import('../input-files.js');
    const { formatInspection, inspectModel } = await import('../../report/inspection.js');
    const inspection = inspectModel(await readModel(path));
    printResult(json, inspection, () => formatInspection(inspection));
  },
};
