import type { Argv, CommandModule } from 'yargs';

interface InspectArgs {
  model: string;
  json: boolean | undefined;
}

function builder(parser: Argv): Argv<InspectArgs> {
  return parser
    .positional('model', { type: 'string', demandOption: true, describe: 'model or package; - reads stdin' })
    .example('kerf inspect model.onnx', 'ports, operators and tensors')
    .example('kerf inspect model.onnx --json | jq .unsupported', 'operators that kerf cannot run') as never;
}

/** `kerf inspect`: what a model file contains. */
export const inspect: CommandModule<unknown, InspectArgs> = {
  command: 'inspect <model>',
  describe: 'tell what a model or package contains: inputs, outputs, operators, weights',
  builder,
  handler: async (args) => (await import('../inspect.js')).runInspect(args),
};
