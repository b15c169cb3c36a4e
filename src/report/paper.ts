/** What the paper's procedure finds, as JSON and as a table, beside kerf's own resolution of the same model. */
import type { Evidence } from '../evidence/evidence.js';
import type { EdgeControl, EdgeFamily, PaperEvidence, Structure } from '../evidence/paper/paper-evidence.js';
import { count, percent } from './numbers.js';
import { formatFacts, formatTable, heading } from './table.js';

/** The evidence without adjacencies and labels, which stay in the library's result. */
export function paperJson({ strongComponents: _, ...paper }: PaperEvidence): Record<string, unknown> {
  const families = paper.families.map(({ adjacency, ...family }) => ({ ...family, edges: adjacency.edges }));
  return { procedure: 'paper', ...paper, families };
}

const rates: Readonly<Record<EdgeControl, string>> = {
  alpha: 'each edge by itself, level',
  bh: 'false discovery rate (Benjamini-Hochberg)',
  bonferroni: 'chance of one false edge in a family (Bonferroni)',
};

const share = (part: number, whole: number) => (whole === 0 ? null : percent(part / whole, 1));

function strongest(matrix: Structure | null): string | null {
  return matrix && `${count(matrix.largestStrong)}/${count(matrix.nodes)}`;
}

function familyRow({ name, length, adjacency, matrix, noNull }: EdgeFamily) {
  const places = adjacency.rows * adjacency.columns;
  const kept = share(adjacency.edges, places);
  return [name, length, count(adjacency.edges), noNull ? `all: ${noNull}` : kept, strongest(matrix)];
}

function structureFacts(structure: Structure, control: EdgeControl, level: number) {
  return [
    ['error rate', `${rates[control]} ${level}`],
    ['nodes', count(structure.nodes)],
    ['edges kept', count(structure.edges)],
    ['isolated nodes', count(structure.isolated)],
    [
      'independent parts',
      `${structure.components}, the largest with ${percent(structure.largestEdgeShare, 1)} of the edges`,
    ],
    [
      'strong components',
      `${count(structure.strong)}, ${structure.cycles} of them with a cycle, the largest of ${count(structure.largestStrong)}`,
    ],
    ['levels', structure.levels],
  ] as const;
}

/** Rows of kerf's own resolution: units, directions and blocks of each matrix. */
function ownRows({ tensors }: Evidence) {
  return tensors
    .filter(({ columns }) => columns.tested > 0)
    .map(({ name, units, spectrum, blocks, verdict }) => [
      name,
      units && units.tested > 0 ? `${count(units.supported)}/${count(units.tested)}` : null,
      spectrum && `${spectrum.supported}/${spectrum.rank}`,
      blocks?.k,
      verdict,
    ]);
}

const edgeColumns = [
  { head: 'weights' },
  { head: 'values an edge', align: 'right' },
  { head: 'edges kept', align: 'right' },
  { head: 'share', align: 'right' },
  { head: 'largest strong', align: 'right' },
] as const;

const ownColumns = [
  { head: 'tensor' },
  { head: 'units', align: 'right' },
  { head: 'directions', align: 'right' },
  { head: 'blocks', align: 'right' },
  { head: 'verdict' },
] as const;

/** What `kerf analyze --procedure paper` prints. */
export function formatPaper(paper: PaperEvidence, own: Evidence): string {
  return (
    heading('Procedure of arXiv 2601.15871') +
    formatFacts(structureFacts(paper.structure, paper.control, paper.level)) +
    '\n' +
    formatTable(edgeColumns, paper.families.map(familyRow)) +
    heading("kerf's resolution of the same model") +
    formatTable(ownColumns, ownRows(own)) +
    `\nlargest strong: nodes of the largest strong component of a square matrix. Removing an edge because its test is not\n` +
    `significant may change the answers; docs/paper.md in the repository has what it did to nets where the truth is known.\n`
  );
}
