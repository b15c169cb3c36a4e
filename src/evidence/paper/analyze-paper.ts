/** The procedure of arXiv 2601.15871 from tests to levels, as it stands there; see docs/paper.md for what it gives. */
import { setImmediate } from 'node:timers/promises';
import { canonicalise } from '../../graph/canonicalise.js';
import type { Graph } from '../../graph/graph.js';
import { findLayers, type Layer } from '../../graph/layers.js';
import { KerfError } from '../../runtime/errors.js';
import type { Checkpoint } from '../against-checkpoint.js';
import { analysisKernels } from '../analysis.js';
import type { Null } from '../analyze-tensor.js';
import { momentsOf } from '../moments.js';
import { nullsOf } from '../nulls.js';
import { type TensorInput, tensorsOf } from '../tensor-input.js';
import { fullAdjacency } from './adjacency.js';
import { type Candidate, findCandidates } from './edge-families.js';
import { nullName, scoreKind, scoresOf } from './edge-scores.js';
import { type EdgeResult, markChangedSequences, markChangedWeights, testSequences, testWeights } from './edge-tests.js';
import type { EdgeControl, EdgeFamily, PaperEvidence } from './paper-evidence.js';
import { findStreams } from './streams.js';
import { condense, directedGraph, matrixStructure, type Placed } from './structure.js';

export interface PaperOptions {
  /** A law by name, `auto` to infer it, or the initial weights by tensor name. Default `auto`. */
  readonly init?: string | Checkpoint;
  /** Error rate of the edge tests. Default `alpha`, the paper's. */
  readonly control?: EdgeControl;
  /** Level of that rate. Default 0.05. */
  readonly level?: number;
  /** Seed of the dithering of quantised weights. Default 0. */
  readonly seed?: number;
  /** Whether d-md-d blocks are tested by sequences; otherwise every matrix by its weights. Default true. */
  readonly sequences?: boolean;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number; readonly name: string }) => void;
  readonly signal?: AbortSignal;
}

/** One tensor with what it is tested against. */
interface Subject {
  readonly input: TensorInput;
  readonly given: Null;
}

interface Settings {
  readonly control: EdgeControl;
  readonly level: number;
  readonly seed: number;
}

function checkOptions({ control, level }: Settings): void {
  if (!['alpha', 'bh', 'bonferroni'].includes(control)) {
    throw new KerfError('OPTION_INVALID', 'option "control"', `got "${control}", expected alpha, bh or bonferroni.`);
  }
  if (!(level > 0 && level < 1)) {
    throw new KerfError('OPTION_INVALID', 'option "level"', `out of range: got ${level}, expected 0 < level < 1.`);
  }
}

/** Why a family cannot be tested, or by what it can. */
function kindOf(subjects: readonly Subject[]) {
  const kinds = subjects.map(({ given }) => scoreKind(given));
  const missing = kinds.find(({ kind }) => kind === null);
  if (missing) return missing;
  const isMixed = kinds.some(({ kind }) => kind !== kinds[0].kind);
  return isMixed ? { kind: null, noNull: 'one matrix has a law and the other initial values' } : kinds[0];
}

/** Without a null nothing is removed: every edge stands. */
function untested(rows: number, columns: number, { control, level }: Settings): EdgeResult {
  const names = { alpha: 'per-test', bh: 'false-discovery-rate', bonferroni: 'family-wise' } as const;
  const family = { tested: 0, supported: 0, control: names[control], level };
  return { family, adjacency: fullAdjacency(rows, columns) };
}

function testEdges({ channels }: Candidate, subjects: readonly Subject[], isLaw: boolean, settings: Settings) {
  const { control, level, seed } = settings;
  return analysisKernels().workspace.scope((): EdgeResult => {
    const [first, second] = subjects.map(({ input, given }) => scoresOf(input, given, seed));
    const { rows, columns } = subjects[0].input;
    if (!second) {
      return isLaw ? testWeights(first, rows, columns, control, level) : markChangedWeights(first, rows, columns);
    }
    return isLaw
      ? testSequences(first, second, columns, channels, control, level)
      : markChangedSequences(first, second, columns, channels);
  });
}

function familyOf(candidate: Candidate, subjects: readonly Subject[], settings: Settings): EdgeFamily {
  const { first, second, channels } = candidate;
  const { kind, noNull } = kindOf(subjects);
  const rows = (second ?? first).weight.dims[0];
  const columns = first.weight.dims[1];
  const result = kind ? testEdges(candidate, subjects, kind === 'law', settings) : untested(rows, columns, settings);
  return {
    ...result,
    name: subjects.map(({ input }) => input.name).join(' + '),
    layers: second ? [first.name, second.name] : [first.name],
    tensors: subjects.map(({ input }) => input.name),
    kind: second ? 'sequences' : 'weights',
    length: second ? 2 * channels : 1,
    laws: subjects.map(({ given }) => nullName(given)),
    noNull,
    matrix: matrixStructure(result.adjacency),
  };
}

/** Places families among the neurons of the network: one run of numbers for each stream. */
function place(graph: Graph, candidates: readonly Candidate[], families: readonly EdgeFamily[]) {
  const streams = findStreams(graph);
  const bases = new Map<string, number>();
  let nodes = 0;
  const baseOf = (value: string, width: number) => {
    const stream = streams.get(value) ?? value;
    const known = bases.get(stream);
    if (known !== undefined) return known;
    bases.set(stream, nodes);
    nodes += width;
    return nodes - width;
  };
  const placed = candidates.map(({ first, second = first }, i): Placed => {
    const { adjacency } = families[i];
    // The rows of an embedding's table are nodes of their own, whatever else reads the ids.
    const source = first.kind === 'embedding' ? `${first.name} (vocabulary)` : first.input;
    return {
      adjacency,
      sourceBase: baseOf(source, adjacency.columns),
      targetBase: baseOf(second.output, adjacency.rows),
    };
  });
  return { placed, nodes };
}

function candidatesOf(layers: readonly Layer[], sequences: boolean): readonly Candidate[] {
  return sequences ? findCandidates(layers) : layers.map((first) => ({ first, channels: 0 }));
}

/**
 * Runs the paper's procedure on a network: a test of every edge against the initialisation (single weights; sequences
 * of 2m values in d-md-d blocks), removal of what is not supported, the Boolean adjacency of the rest, its isolated
 * nodes, strong components, condensation and levels. {@link annealByZero} gives the network that is left.
 * Null hypothesis: an edge's weights are draws of their law. Alternative: two-sided for weights, larger spread for
 * sequences. Exact. Biases are not edges and stay.
 * @param graph  any model graph; brought to canonical form first
 * @throws LAW_INVALID, WEIGHT_NOT_FINITE, SHAPE_MISMATCH as `analyze`; OPTION_INVALID for `control` and `level`;
 *   ABORTED when `signal` fires
 * @complexity O(weights) for the tests, O(nodes + edges) for the graph
 * @example  (await analyzePaper(graph, { init: 'torch-linear', control: 'bonferroni' })).structure.components
 */
export async function analyzePaper(graph: Graph, options: PaperOptions = {}): Promise<PaperEvidence> {
  const { init = 'auto', control = 'alpha', level = 0.05, seed = 0, sequences = true, onProgress, signal } = options;
  const settings = { control, level, seed };
  checkOptions(settings);
  const canonical = canonicalise(graph);
  const layers = findLayers(canonical).filter(({ kind }) => kind !== 'convolution');
  const inputs = tensorsOf(layers, canonical.quantization);
  for (const input of inputs) momentsOf(input);
  const nulls = await nullsOf(inputs, init);
  const subjects = new Map(inputs.map((input, i): [string, Subject] => [input.name, { input, given: nulls[i] }]));
  const candidates = candidatesOf(layers, sequences);
  const families: EdgeFamily[] = [];
  for (const [done, candidate] of candidates.entries()) {
    if (signal?.aborted) throw new KerfError('ABORTED', 'analyze', 'cancelled by the caller.');
    const tensors = candidate.second ? [candidate.first, candidate.second] : [candidate.first];
    onProgress?.({ done, total: candidates.length, name: tensors[0].tensor });
    families.push(
      familyOf(
        candidate,
        tensors.map(({ tensor }) => subjects.get(tensor)!),
        settings,
      ),
    );
    await setImmediate();
  }
  const { placed, nodes } = place(canonical, candidates, families);
  const { structure, strong } = condense(directedGraph(nodes, placed));
  onProgress?.({ done: candidates.length, total: candidates.length, name: '' });
  return { ...settings, families, structure, strongComponents: strong };
}
