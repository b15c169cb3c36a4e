import { analyze } from './commands/analyze.js';
import { bench } from './commands/bench.js';
import { completion } from './commands/completion.js';
import { decompose } from './commands/decompose.js';
import { demo } from './commands/demo.js';
import { doctor } from './commands/doctor.js';
import { exportCommand } from './commands/export.js';
import { inspect } from './commands/inspect.js';
import { ops } from './commands/ops.js';
import { report } from './commands/report.js';
import { run } from './commands/run.js';
import { verify } from './commands/verify.js';

/** Every command, in the order of the pipeline; each has its own type of arguments. */
export const commands: readonly object[] = [
  inspect,
  analyze,
  decompose,
  run,
  verify,
  bench,
  exportCommand,
  report,
  demo,
  ops,
  doctor,
  completion,
];
