/** `kerf verify`: runs package and model on the same new data. */
import { InferenceSession } from '../index.js';
import { verify } from '../pipeline.js';
import { count, percent, short } from '../report/numbers.js';
import { formatFacts } from '../report/table.js';
import { KerfError } from '../runtime/errors.js';
import type { Feeds } from '../runtime/executor.js';
import { readBeside } from './beside.js';
import type { VerifyArgs } from './commands/verify.js';
import { pathOrStdin, readModel } from './input-files.js';
import { readRows } from './inputs.js';
import { printResult } from './print.js';

export async function runVerify(args: VerifyArgs): Promise<void> {
  const model = await readModel(args.against);
  const read = await readRows(args.data, model.graph.inputs);
  const { rows: data, values: groups } = await readBeside('--groups', args.groups, read);
  // Certificates are earned with the plain kernels; the bits of others are the machine's.
  const options = { executor: 'wasm', kernels: 'plain' } as const;
  await using session = await InferenceSession.create(pathOrStdin(args.package), options);
  const result = await verify(session, model, data as Feeds, { groups });
  printResult(args.json, result, () =>
    formatFacts([
      ['samples', count(result.rows)],
      ['clusters', groups && count(result.n)],
      ['outside the support', result.outside > 0 ? `${count(result.outside)}, run by the original` : null],
      ['changed answers', `${result.seen} (agreement ${percent(result.agreement)})`],
      ['largest difference', short(result.maxAbs)],
      ['relative error', percent(result.rel, 3)],
      ['promise kept', result.passed ? 'yes' : 'no'],
    ]),
  );
  if (result.passed) return;
  const { bound } = session.certificate as { bound: number | null };
  throw new KerfError(
    'VERIFY_FAILED',
    'package',
    `its promise is broken on these data: got ${result.seen} of ${result.n} changed, expected at most ${percent(bound)} with 95 % confidence. Decompose again with data like these.`,
    { ...result },
  );
}
