/** What training supports, as JSON and as a table. */
import type { Evidence, FamilyResult, TensorEvidence } from '../evidence/evidence.js';
import { count, percent, short } from './numbers.js';
import { formatTable, heading } from './table.js';

/** The evidence without its long lists: singular values and p-values of single units stay in the library's result. */
export function evidenceJson(evidence: Evidence): Record<string, unknown> {
  return {
    fdr: evidence.fdr,
    seed: evidence.seed,
    tensors: evidence.tensors.map(({ spectrum, ...tensor }) => {
      if (spectrum === null) return { ...tensor, spectrum };
      const { values: _, ...kept } = spectrum;
      return { ...tensor, spectrum: kept };
    }),
    units: evidence.units.map(({ layer, supported }) => ({
      layer,
      tested: supported.length,
      supported: supported.reduce((sum, flag) => sum + flag, 0),
    })),
  };
}

const share = (family: FamilyResult | null) =>
  family === null || family.tested === 0 ? null : percent(family.supported / family.tested, 1);
const fraction = (family: FamilyResult | null) =>
  family === null || family.tested === 0 ? null : `${count(family.supported)}/${count(family.tested)}`;

function row(tensor: TensorEvidence) {
  const { spectrum } = tensor;
  return [
    tensor.name,
    tensor.law,
    short(tensor.scaleRatio),
    short(tensor.fit.ks),
    share(tensor.weights),
    fraction(tensor.units),
    spectrum && `${spectrum.supported}/${spectrum.rank}`,
    tensor.verdict,
  ];
}

const columns = [
  { head: 'tensor' },
  { head: 'law' },
  { head: 'scale', align: 'right' },
  { head: 'KS', align: 'right' },
  { head: 'weights', align: 'right' },
  { head: 'units', align: 'right' },
  { head: 'directions', align: 'right' },
  { head: 'verdict' },
] as const;

/** What `kerf analyze` prints: one line per tensor, then why. */
export function formatEvidence(evidence: Evidence): string {
  const reasons = evidence.tensors.map(({ name, verdict, reason }) => [name, verdict, reason]);
  const legend =
    `\nscale: standard deviation over the law's. KS: distance to the law. weights, units, directions: what training\n` +
    `supports, at a false discovery rate of ${evidence.fdr} (directions: at 1 % per matrix).\n`;
  return (
    heading('Evidence') +
    formatTable(columns, evidence.tensors.map(row)) +
    legend +
    heading('Why') +
    formatTable([{ head: 'tensor' }, { head: 'verdict' }, { head: 'reason' }], reasons)
  );
}
