/** The language detector's case as a stranger reads it. */
import { count, percent, short, shortHash } from '../report/numbers.js';
import { formatTable, heading } from '../report/table.js';
import { choiceWords } from './choice-words.js';
import type { DetectorResult } from './detector-case.js';

const verdicts: Readonly<Record<string, string>> = {
  initialisation: 'as random as before training',
  partly: 'training changed a part',
  moved: 'training changed it',
  'no-null': 'nothing to compare with',
};

function formatSets({ sets }: DetectorResult): string {
  const uses = { calibration: 'to fit on', guard: 'to decide, once', test: 'to show below' };
  const rows = Object.entries(uses).map(([name, use]) => {
    const { files, packages, hash } = sets[name as keyof typeof sets];
    return [name, use, files, packages, shortHash(hash)];
  });
  const columns = [
    { head: 'set' },
    { head: 'used' },
    { head: 'files', align: 'right' },
    { head: 'of packages', align: 'right' },
    { head: 'SHA-256' },
  ] as const;
  return formatTable(columns, rows);
}

/** The last two words of a tensor's name are enough to know it. */
const shortName = (name: string) => name.split('/').slice(-2).join('/');

function formatEvidenceRows({ evidence, layers }: DetectorResult): string {
  const choices = new Map(layers.map(({ name, choice }) => [name, choice]));
  const rows = evidence.tensors
    .filter(({ weights }) => weights.tested > 100)
    .map(({ name, law, fit, weights, verdict }) => [
      shortName(name),
      count(weights.tested),
      law,
      short(fit.ks),
      percent(weights.supported / weights.tested, 1),
      verdicts[verdict],
      choiceWords[choices.get(name) ?? ''] ?? '',
    ]);
  const columns = [
    { head: 'weights' },
    { head: 'how many', align: 'right' },
    { head: 'law they were drawn from' },
    { head: 'distance', align: 'right' },
    { head: 'moved', align: 'right' },
    { head: 'finding' },
    { head: 'kerf made it' },
  ] as const;
  return formatTable(columns, rows);
}

function formatBeforeAfter({ parameters, macs, test }: DetectorResult): string {
  const columns = [
    { head: `${test.n} files it has not seen` },
    { head: 'before', align: 'right' },
    { head: 'after', align: 'right' },
  ] as const;
  return formatTable(columns, [
    ['weights', count(parameters.before), count(parameters.after)],
    ['multiply-adds per file', count(macs.before), count(macs.after)],
    ['language right', test.correctBefore, test.correctAfter],
    ['same answer as before', '', `${test.same} of ${test.n}`],
    ['largest change of a confidence', '', short(test.largestChange)],
  ]);
}

/** The case's text. */
export function formatDetector(result: DetectorResult): string {
  const { certificate, twin, languages, parameters } = result;
  const removed = 1 - parameters.after / parameters.before;
  return [
    heading("1. VS Code's language detector: which programming language is this file in?"),
    `Real source files in ${languages} languages, found under node_modules; no package is in two sets.\n\n`,
    formatSets(result),
    heading('What training changed'),
    formatEvidenceRows(result),
    heading(`What was removed: ${percent(removed, 0)} of the weights, replaced by constants`),
    formatBeforeAfter(result),
    `\nCertificate: ${certificate.statement}\n`,
    heading('The same command on a twin whose knowledge was shuffled away'),
    `${twin.refused ? 'refused, nothing removed' : 'NOT refused'}: ${twin.reason}.\n`,
  ].join('');
}
