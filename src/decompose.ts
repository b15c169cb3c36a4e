/** The whole path from a model to a package. */
import { anneal as annealWith } from './annealing/anneal.js';
import type { Annealing, Certificate, LayerChoice } from './annealing/annealing.js';
import type { AnnealOptions, Evaluate } from './annealing/context.js';
import { countStored, type StoredLayers, storeWeights, type WeightFormat } from './annealing/small-weights.js';
import { costTableOf } from './cost-table.js';
import { checkDecomposeOptions, type DecomposeOptions } from './decompose-options.js';
import { createCompile, createEvaluate } from './evaluate-graph.js';
import { analyze } from './evidence/analyze.js';
import type { AnalyzeOptions } from './evidence/analyze-layers.js';
import type { Evidence } from './evidence/evidence.js';
import { countMacs, countParameters } from './graph/cost.js';
import { sizesOf } from './graph/fix-sizes.js';
import type { Graph, Model } from './graph/graph.js';
import { requireNetwork } from './graph/infer.js';
import { joinWeights, renameWeights } from './package/join-weights.js';
import type { Package } from './package/package.js';
import { declareParts } from './parts/declare-parts.js';
import { findParts, partsSideBySide } from './parts/find-parts.js';
import type { Parts } from './parts/parts.js';
import { splitChoices } from './parts/split-choices.js';
import { buildPlan } from './plan/build-plan.js';
import { pricedBatch, timePrices } from './prices.js';
import { countEarlierUses, sourceOf } from './provenance.js';
import { type Cascade, cascadeProblem, isByRow } from './runtime/cascade.js';
import { KerfError } from './runtime/errors.js';
import type { Feeds } from './runtime/executor.js';
import type { Bindings } from './runtime/extent.js';
import type { Plan } from './runtime/plan.js';
import { settleSizes } from './settle-sizes.js';

interface BeforeAfter {
  readonly before: number;
  readonly after: number;
}

/** What `kerf decompose --json` prints. */
export interface DecomposeSummary {
  readonly parts: readonly { readonly id: number; readonly parameters: number; readonly macs: number }[];
  readonly bus: { readonly r: number; readonly macs: number };
  /** `stored` counts a fallback's copy too. */
  readonly parameters: BeforeAfter & { readonly stored: number };
  /** Multiply-adds per sample. */
  readonly macs: BeforeAfter;
  readonly certificate: Certificate;
  readonly layers: readonly LayerChoice[];
  /** Sizes that the model leaves open and the package does not: those of the data, by the model's names. Mostly none. */
  readonly sizes: Readonly<Record<string, number>>;
  /** How many linear layers are stored how, and the bytes of all weights as float32 and as stored, with a fallback's copy. */
  readonly weights: { readonly layers: StoredLayers; readonly bytes: BeforeAfter };
}

export interface Decomposition {
  readonly package: Package;
  readonly summary: DecomposeSummary;
  readonly evidence: Evidence;
  readonly annealing: Annealing;
  readonly parts: Parts;
  /** The graph of `parts` with the weights that the package holds. */
  readonly stored: Graph;
}

/** @throws GUARD_FAILED when fewer parts than demanded can run side by side */
function requireParts(parts: Parts, demanded: number, { calibration, exact }: DecomposeOptions): void {
  const got = partsSideBySide(parts.parts);
  if (got >= demanded) return;
  const fit = calibration ? 'allow a larger --max-disagreement' : 'give --calibration to fit blocks on';
  throw new KerfError(
    'GUARD_FAILED',
    '--parts',
    `the structure cannot be held: got ${got} part(s) side by side, expected ${demanded}. Use --parts auto, or ${exact ? 'leave --exact out' : fit}.`,
    { got, expected: demanded },
  );
}

function summarise(
  graph: Graph,
  { cascade, layers }: Annealing,
  certificate: Certificate,
  parts: Parts,
  bindings: Bindings,
  rest: Pick<DecomposeSummary, 'sizes' | 'weights'>,
): DecomposeSummary {
  const [before, after] = [graph, parts.graph].map(countParameters);
  const whole = countMacs(graph, bindings);
  return {
    ...declareParts(parts, bindings),
    parameters: { before, after, stored: cascade ? before + after : after },
    macs: { before: whole, after: countMacs(parts.graph, bindings) + certificate.fallbackRate * whole },
    certificate,
    layers: splitChoices(layers, parts.graph),
    ...rest,
  };
}

/** The options of `anneal`, and what structures are compared by: see {@link DecomposeOptions}. */
type AnnealGraphOptions = Omit<AnnealOptions, 'evaluate' | 'compile' | 'cost' | 'prices'> &
  Pick<DecomposeOptions, 'costs' | 'batch'>;

/**
 * Removes what evidence does not support, as far as the guard allows: `anneal` of the annealing stage, running graphs on
 * the calling thread and counting multiply-adds and time at the sizes that the data have.
 * @param graph  canonical
 * @throws GUARD_TOO_SMALL, DATA_INVALID, INPUT_MISSING, OPTION_INVALID, ABORTED as the stage does
 */
export function anneal(
  graph: Graph,
  evidence: Evidence,
  { costs, batch = pricedBatch, ...options }: AnnealGraphOptions,
): Promise<Annealing> {
  const bindings = sizesOf(graph, options.calibration ?? options.guard);
  const cost = (candidate: Graph) => countMacs(candidate, bindings);
  const [evaluate, compile] = [createEvaluate(options.signal), createCompile(bindings, options.signal)];
  const table = costTableOf(costs);
  const prices = table ? { prices: timePrices(table, graph, batch, bindings) } : {};
  return annealWith(graph, evidence, { ...options, evaluate, compile, cost, ...prices });
}

/**
 * Whether to look for a cascade: a row must not depend on those beside it, which may go another way.
 * @throws OPTION_INVALID when one is demanded of a model that cannot have any
 */
function chooseCascade(plan: Plan, demanded: DecomposeOptions['cascade'] = 'auto'): 'auto' | 'on' | 'off' {
  if (demanded === 'off' || isByRow(plan)) return demanded;
  if (demanded === 'auto') return 'off';
  throw new KerfError(
    'OPTION_INVALID',
    '--cascade',
    'it is not certain that the model computes row by row: got steps in which rows may meet, as in recurrent layers, expected none. Use --cascade off.',
  );
}

/** What annealing proposes: nothing that could join the demanded parts where the network has them already. */
function chooseParts(graph: Graph, parts: 'auto' | number): 'auto' | 'kept' | number {
  const isHeld = parts !== 'auto' && partsSideBySide(findParts(graph, { parts }).parts) >= parts;
  return isHeld ? 'kept' : parts;
}

/** What the package carries beside its plan, the weights named so that both can stand in one file. */
function cascadeOf(plan: Plan, whole: Plan, { cascade }: Annealing): Cascade | null {
  if (!cascade) return null;
  const made = { plan: renameWeights(whole, plan), rule: cascade };
  const problem = cascadeProblem(plan, made);
  if (!problem) return made;
  throw new KerfError('INTERNAL', 'cascade', `${problem}. Use --cascade off, and please report the model.`);
}

/** Parts, and their graph as the package holds it: parts are found before weights are rounded, so that zeros stay zeros. */
interface StoredParts {
  readonly parts: Parts;
  readonly stored: Graph;
}

/** The error of weights that were demanded where there are none to store so. */
function nothingToStore(format: WeightFormat): KerfError {
  const got = 'got no linear layer of float32 weights, expected at least one';
  return new KerfError('GUARD_FAILED', '--weights', `${format} weights cannot be held: ${got}. Use --weights f32.`);
}

/** Finds the parts of a graph and stores its weights; once for each graph, so that what was judged is what is packed. */
class Store {
  readonly #known = new Map<Graph, Promise<StoredParts>>();

  constructor(
    readonly format: WeightFormat,
    readonly options: { readonly parts: 'auto' | number; readonly bindings: Bindings },
    readonly evaluate: Evaluate,
  ) {}

  of(graph: Graph, calibration: Feeds | null): Promise<StoredParts> {
    const known = this.#known.get(graph) ?? this.#make(graph, calibration);
    this.#known.set(graph, known);
    return known;
  }

  async #make(graph: Graph, calibration: Feeds | null): Promise<StoredParts> {
    const parts = findParts(graph, this.options);
    return { parts, stored: await storeWeights(parts.graph, this.format, calibration, this.evaluate) };
  }
}

const bytesOf = (weights: Plan['weights']) => weights.reduce((sum, { data }) => sum + data.byteLength, 0);

/**
 * Decomposes a model: evidence, annealing, parts, plan.
 * Where nothing can be removed, the package is the dense network and its layers say `dense`.
 * @returns the package, and the numbers that the command line prints
 * @throws OPTION_INVALID; GUARD_FAILED when a demanded number of parts, or demanded weights, cannot be held; GUARD_TOO_SMALL; what analysis,
 *   annealing and planning throw
 */
export async function decompose(model: Model, options: DecomposeOptions = {}): Promise<Decomposition> {
  const { calibration = null, guard = null, parts: demanded = 'auto', weights = 'f32', seed = 0, onProgress } = options;
  checkDecomposeOptions(options);
  requireNetwork(model.graph);
  const { graph, plan: whole, fixed } = settleSizes(model.graph, calibration ?? guard);
  if (weights !== 'f32' && countStored(graph).float32 === 0) throw nothingToStore(weights);
  const evidence = await analyze(graph, analysisOptions(options));
  const bindings = sizesOf(model.graph, calibration ?? guard);
  const fallback = chooseCascade(whole, options.cascade);
  const proposed = chooseParts(graph, demanded);
  const store = new Store(weights, { parts: demanded, bindings }, createEvaluate(options.signal));
  const stored: AnnealOptions['stored'] =
    weights === 'f32' ? null : { as: weights, of: async (...candidate) => (await store.of(...candidate)).stored };
  const choices = { ...options, parts: proposed, cascade: fallback, calibration, guard, seed, stored };
  const annealing = await anneal(graph, evidence, choices);
  onProgress?.({ stage: 'parts' });
  const { parts, stored: packed } = await store.of(annealing.graph, null);
  if (demanded !== 'auto') requireParts(parts, demanded, options);
  const plan = buildPlan(packed, { parts: parts.parts, partOf: parts.partOf });
  const cascade = cascadeOf(plan, whole, annealing);
  const source = sourceOf(model, options);
  const certificate = countEarlierUses(annealing.certificate, source, options.earlier);
  return {
    package: { plan, cascade, certificate, source },
    summary: summarise(graph, annealing, certificate, parts, bindings, {
      sizes: Object.fromEntries(fixed),
      weights: {
        layers: countStored(packed),
        bytes: {
          before: bytesOf(whole.weights),
          after: bytesOf(cascade ? joinWeights(plan.weights, cascade.plan.weights) : plan.weights),
        },
      },
    }),
    evidence,
    annealing,
    parts,
    stored: packed,
  };
}

function analysisOptions({ init, fdr, seed, signal, pictures = false, onProgress }: DecomposeOptions): AnalyzeOptions {
  return {
    ...(init !== undefined && { init }),
    ...(fdr !== undefined && { fdr }),
    ...(seed !== undefined && { seed }),
    ...(signal && { signal }),
    pictures,
    onProgress: ({ name, done, total }) => onProgress?.({ stage: `analyze ${name}`, done, total }),
  };
}
