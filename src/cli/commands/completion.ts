import type { Argv, CommandModule } from 'yargs';

function builder(parser: Argv): Argv<{ shell: string | undefined }> {
  return parser
    .positional('shell', { choices: ['bash', 'zsh'], describe: 'the shell; by default the one that $SHELL names' })
    .example('kerf completion bash >> ~/.bashrc', 'complete commands and options in bash') as never;
}

/** `kerf completion`: the script that teaches a shell to complete kerf's commands and options. */
export const completion: CommandModule<unknown, { shell: string | undefined }> = {
  command: 'completion [shell]',
  describe: 'print a script that completes commands in bash or zsh',
  builder,
  handler: async ({ shell }) => {
    const { default: yargs } = await import('yargs');
    if (shell) process.env['SHELL'] = shell;
    yargs([]).scriptName('kerf').showCompletionScript();
  },
};
