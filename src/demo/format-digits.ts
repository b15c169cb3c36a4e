/** The digits net's case as a stranger reads it. */
import { count, percent, short, shortHash } from '../report/numbers.js';
import { formatTable, heading } from '../report/table.js';
import { choiceWords } from './choice-words.js';
import type { DigitsResult, Timing } from './digits-case.js';

function formatSets({ sets }: DigitsResult): string {
  const uses = { calibration: 'to fit on, without labels', guard: 'to decide, once', test: 'to show below' };
  const rows = Object.entries(uses).map(([name, use]) => {
    const { images, hash } = sets[name as keyof typeof sets];
    return [name, use, count(images), shortHash(hash)];
  });
  const columns = [{ head: 'set' }, { head: 'used' }, { head: 'images', align: 'right' }, { head: 'SHA-256' }] as const;
  return formatTable(columns, rows);
}

function timeOf(timings: readonly Timing[], network: Timing['network'], executor: Timing['executor']): string {
  const timing = timings.find((one) => one.network === network && one.executor === executor)!;
  return `${short(timing.medianMs)} (${timing.threads} thread${timing.threads === 1 ? '' : 's'})`;
}

function formatBeforeAfter({ parameters, macs, test, timings }: DigitsResult): string {
  const columns = [
    { head: `${count(test.n)} images it has not seen` },
    { head: 'before', align: 'right' },
    { head: 'after', align: 'right' },
  ] as const;
  const time = (executor: Timing['executor']) =>
    (['before', 'after'] as const).map((network) => timeOf(timings, network, executor));
  return formatTable(columns, [
    ['weights', count(parameters.before), count(parameters.after)],
    ['multiply-adds per image', count(macs.before), `${count(macs.after)} (${percent(macs.after / macs.before, 1)})`],
    ['digit right', percent(test.correctBefore / test.n), percent(test.correctAfter / test.n)],
    ['same answer as before', '', percent(test.same / test.n)],
    ['ms for all images', ...time('wasm')],
    ['ms on the pool', ...time('pool')],
  ]);
}

function formatLayers({ layers }: DigitsResult): string {
  const columns = [{ head: 'layer' }, { head: 'kerf made it' }, { head: 'weights', align: 'right' }] as const;
  const rows = layers.map(({ name, choice, rank, before, after }) => [
    name,
    rank === null ? choiceWords[choice] : `two thin layers, ${rank} between`,
    `${count(before)} -> ${count(after)}`,
  ]);
  return formatTable(columns, rows);
}

/** The case's text. */
export function formatDigits(result: DigitsResult): string {
  const { certificate, bitEqual, maxDisagreement } = result;
  const failed = certificate.stages.find(({ passed }) => !passed);
  const stopped = failed
    ? `Stopped at "${failed.name}": ${failed.seen} of ${failed.n} changed, which cannot promise ${percent(maxDisagreement, 0)}.\n`
    : '';
  return [
    heading('2. A net that reads handwritten digits (784-256-256-10, trained with SGD)'),
    'No image is in two sets.\n\n',
    formatSets(result),
    heading('What stands for its layers now'),
    formatLayers(result),
    heading('Before and after'),
    formatBeforeAfter(result),
    `\nCertificate: ${certificate.statement}\n`,
    stopped,
    `One thread and the pool give ${bitEqual ? 'the same bits' : 'DIFFERENT bits'}.\n`,
  ].join('');
}
