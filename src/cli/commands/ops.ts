import type { CommandModule } from 'yargs';
import { printResult } from '../print.js';

/** `kerf ops`: the operators that kerf can run. */
export const ops: CommandModule<unknown, { json: boolean | undefined }> = {
  command: 'ops',
  describe: 'list the operators that kerf runs, by opset and dtype',
  builder: (parser) => parser.example('kerf ops --json', 'for programs') as never,
  handler: async ({ json }) => {
    const { listOperators } = await import('../../graph/list-operators.js');
    const { formatOperators } = await import('../../report/operators.js');
    const operators = listOperators();
    printResult(json, operators, () => formatOperators(operators));
  },
};
