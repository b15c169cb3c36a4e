/** `kerf verify`: runs package and model on the same new data. */
import { readCertificate } from '../annealing/read-certificate.js';
import type { Model } from '../graph/graph.js';
import { InferenceSession } from '../index.js';
import { type ModelSource, readSource } from '../model/load.js';
import { verify } from '../pipeline.js';
import { count, percent, short, shortHash } from '../report/numbers.js';
import { formatFacts } from '../report/table.js';
import { KerfError } from '../runtime/errors.js';
import type { Feeds } from '../runtime/executor.js';
import { decodePackage } from '../runtime/format/decode-package.js';
import { isPackage } from '../runtime/format/package-reader.js';
import { readBeside } from './beside.js';
import type { VerifyArgs } from './commands/verify.js';
import { pathOrStdin, readModel } from './input-files.js';
import { readRows } from './inputs.js';
import { printResult, remark } from './print.js';

/**
 * Reads what is verified, and says on stderr when it was made from another file than the model's.
 * @returns a package's bytes; of a model its source, which also tells where its external data are
 */
async function readVerified(path: string, model: Model): Promise<ModelSource> {
  const from = pathOrStdin(path);
  const { bytes } = await readSource(from);
  if (!isPackage(bytes)) return from;
  const { model: hash } = decodePackage(bytes).source;
  if (hash !== model.sha256) {
    const [made, given] = [String(hash), model.sha256].map(shortHash);
    remark(`the package was made from another model file: SHA-256 ${made}, that of --against is ${given}`);
  }
  return bytes;
}

export async function runVerify(args: VerifyArgs): Promise<void> {
  const model = await readModel(args.against);
  const read = await readRows(args.data, model.graph.inputs);
  const { rows: data, values: groups } = await readBeside('--groups', args.groups, read);
  // Certificates are earned with the plain kernels; the bits of others are the machine's.
  const options = { executor: 'wasm', kernels: 'plain' } as const;
  await using session = await InferenceSession.create(await readVerified(args.package, model), options);
  const result = await verify(session, model, data as Feeds, { groups });
  const certificate = readCertificate(session.certificate);
  const isPromised = certificate !== null && (certificate.bound !== null || certificate.level === 'A');
  printResult(args.json, result, () =>
    formatFacts([
      ['samples', count(result.rows)],
      ['clusters', groups && count(result.n)],
      ['outside the support', result.outside > 0 ? `${count(result.outside)}, run by the original` : null],
      ['changed answers', `${result.seen} (agreement ${percent(result.agreement)})`],
      ['largest difference', short(result.maxAbs)],
      ['relative error', percent(result.rel, 3)],
      ['promise kept', isPromised ? (result.passed ? 'yes' : 'no') : 'none was made'],
    ]),
  );
  if (result.passed) return;
  throw new KerfError(
    'VERIFY_FAILED',
    'package',
    `its promise is broken on these data: got ${result.seen} of ${result.n} changed, expected at most ${percent(certificate?.bound ?? 0)} with 95 % confidence. Decompose again with data like these.`,
    { ...result },
  );
}
