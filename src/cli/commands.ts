import { completion } from './commands/completion.js';
import { doctor } from './commands/doctor.js';
import { inspect } from './commands/inspect.js';

/** Every command, in the order of the pipeline; each has its own type of arguments. */
export const commands: readonly object[] = [inspect, doctor, completion];
