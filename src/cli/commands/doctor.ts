import type { CommandModule } from 'yargs';
import { printResult } from '../print.js';

/** `kerf doctor`: what this machine offers. */
export const doctor: CommandModule<unknown, { json?: boolean }> = {
  command: 'doctor',
  describe: 'tell what this machine offers: SIMD, threads, cores, memory, optional peers',
  builder: (parser) => parser.example('kerf doctor', 'check a machine before deploying to it'),
  handler: async ({ json }) => {
    const { examineMachine } = await import('../machine.js');
    const { formatMachine } = await import('../../report/machine.js');
    const machine = await examineMachine();
    printResult(json, machine, () => formatMachine(machine));
  },
};
