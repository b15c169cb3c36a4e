/** What was removed, and the certificate. */
import type { Accuracy } from '../annealing/accuracy.js';
import type { Certificate, LayerChoice } from '../annealing/annealing.js';
import { formatConfidence } from '../annealing/bounds.js';
import { count, percent, shortHash } from './numbers.js';
import { formatFacts, formatTable, heading } from './table.js';

/** One line per layer: the choice, and parameters before and after. */
export function formatLayers(layers: readonly LayerChoice[]): string {
  const columns = [
    { head: 'layer' },
    { head: 'choice' },
    { head: 'blocks', align: 'right' },
    { head: 'rank', align: 'right' },
    { head: 'parameters before', align: 'right' },
    { head: 'after', align: 'right' },
  ] as const;
  const rows = layers.map((layer) => [
    layer.name,
    layer.choice,
    layer.k,
    layer.rank,
    count(layer.before),
    count(layer.after),
  ]);
  return heading('Layers') + formatTable(columns, rows);
}

function formatStages({ stages }: Certificate): string {
  if (stages.length === 0) return '';
  const columns = [
    { head: 'stage' },
    { head: 'multiply-adds', align: 'right' },
    { head: 'disagreements', align: 'right' },
    { head: 'bound', align: 'right' },
    { head: 'guard' },
  ] as const;
  const rows = stages.map(({ name, macs, seen, n, bound, passed }) => [
    name,
    count(macs),
    `${seen} of ${n}`,
    percent(bound),
    passed ? 'passed' : 'failed',
  ]);
  return heading('Stages, gentle to aggressive; the first failure stops') + formatTable(columns, rows);
}

/** The change of accuracy, with its interval and test where samples are independent. */
function accuracyWords(
  { before, after, lost, gained, change, interval, pValue }: Accuracy,
  confidence: number,
): string {
  const points = (share: number) => `${share > 0 ? '+' : ''}${Number((100 * share).toFixed(3))}`;
  const range = interval && `, ${formatConfidence(confidence)} interval ${interval.map(points).join(' to ')}`;
  const test = pValue === null ? '' : `, McNemar p = ${Number(pValue.toPrecision(2))}`;
  return `${percent(before)} before, ${percent(after)} after: ${points(change)} points${range ?? ''}${test} (${lost} lost, ${gained} gained)`;
}

/** The certificate in names and values. */
export function certificateFacts(certificate: Certificate): (readonly [name: string, value: string | null])[] {
  const { n, seen, bound, agreement, rel } = certificate;
  // Packages of earlier versions have none of these.
  const { support = null, kl = null, accuracy = null } = certificate as Partial<Certificate>;
  return [
    ['level', certificate.level],
    ['decision', certificate.decision],
    ['promised', `at most ${percent(certificate.maxDisagreement)} of answers change`],
    [
      'proved',
      bound === null
        ? 'nothing: no guard data'
        : `at most ${percent(bound)}, confidence ${formatConfidence(certificate.confidence)}`,
    ],
    [
      'seen',
      n === 0
        ? null
        : `${seen} of ${count(n)}${certificate.rows === n ? '' : ' clusters'} changed (agreement ${percent(agreement)})`,
    ],
    [
      'run by the original',
      certificate.level === 'D' || support
        ? `${percent(certificate.fallbackRate)} of the guard${support ? `, ${percent(support.outside / certificate.rows)} outside the support` : ''}`
        : null,
    ],
    ['relative error', rel === null ? null : percent(rel)],
    [
      'largest change of an output',
      certificate.maxAbs === null ? null : String(Number(certificate.maxAbs.toPrecision(3))),
    ],
    ['divergence of the probabilities', kl === null ? null : `${Number(kl.toPrecision(3))} nats`],
    ['right answers', accuracy && accuracyWords(accuracy, certificate.confidence)],
    ['guard', shortHash(certificate.guardHash)],
  ];
}

/** The certificate: what may be said of the kept function, and from what. */
export function formatCertificate(certificate: Certificate): string {
  const facts = formatFacts(certificateFacts(certificate));
  const unproven = certificate.classes.filter(({ proven }) => !proven).map(({ decision }) => decision);
  const warning = unproven.length ? `unproven: fewer than 3 guard items of ${unproven.join(', ')}\n` : '';
  return `${formatStages(certificate)}${heading('Certificate')}${facts}${warning}${certificate.statement}\n`;
}
