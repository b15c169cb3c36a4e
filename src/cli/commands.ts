/** Every command, in the order of the pipeline. */
import { completion } from './commands/completion.js';
import { doctor } from './commands/doctor.js';

export const commands = [doctor, completion];
