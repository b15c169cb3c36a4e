import type { Argv, CommandModule } from 'yargs';
import { seedOption } from '../options.js';

interface DemoArgs {
  case: 'detector' | 'digits' | undefined;
  seed: number;
  json: boolean | undefined;
}

function builder(parser: Argv): Argv<DemoArgs> {
  return parser
    .positional('case', { choices: ['detector', 'digits'], describe: 'one case only; both by default' })
    .option('seed', seedOption())
    .example('kerf demo', "VS Code's language detector and a digits net, start to end") as never;
}

/** `kerf demo`: the main job on real networks. */
export const demo: CommandModule<unknown, DemoArgs> = {
  command: 'demo [case]',
  describe: 'do the main job on two real networks, in less than a minute',
  builder,
  handler: async ({ case: only, seed, json }) => {
    const { runDemo } = await import('../../demo/demo.js');
    const { formatJson, print } = await import('../print.js');
    const { ProgressLine } = await import('../progress.js');
    const progress = new ProgressLine();
    const write = (text: string) => {
      progress.end();
      if (!json) print(text);
    };
    const cases = only ? [only] : (['detector', 'digits'] as const);
    const result = await runDemo({ cases, seed, write, onProgress: progress.update }).finally(() => progress.end());
    if (json) print(formatJson(result));
  },
};
