/** How many directions of each layer evidence supports: the ranks that are kept without data. */
import { analysisKernels } from '../evidence/analysis.js';
import type { SpectrumResult, TensorEvidence } from '../evidence/evidence.js';
import { hasScores, parseLaw } from '../evidence/laws.js';
import { measureSpectrum } from '../evidence/spectrum.js';
import type { Graph } from '../graph/graph.js';
import { factorable } from './offers.js';
import type { Linear } from './rewrite.js';
import type { LayerEvidence } from './settings.js';

/** Largest share of directions above the null for which the bulk still says what noise is. */
const largestSupport = 0.4;

/** Whether the spectrum's null holds: there is one, and few enough directions rise above it. */
function isSpectrumSound(spectrum: SpectrumResult | null): spectrum is SpectrumResult {
  return spectrum !== null && spectrum.supported <= largestSupport * spectrum.rank;
}

/**
 * The spectrum of a layer as it stands in the file, if its bulk is the law's own noise. Evidence looks at units balanced,
 * so that it does not depend on their scale, and then has to refit the scale of the noise, which the directions
 * themselves bias up. Weights whose bulk stands at the law's scale were never rescaled: here more directions show.
 */
function storedSpectrum({ weight }: Linear, { law, spectrum }: TensorEvidence): SpectrumResult | null {
  const [out, inputs] = weight.dims;
  const isWhole = spectrum?.rank === Math.min(out, inputs) && spectrum.longerSide <= Math.max(out, inputs);
  if (law === null || !spectrum?.refitted || !isWhole) return null;
  const initial = parseLaw(law).weight({ fanIn: inputs, fanOut: out });
  if (!hasScores(initial)) return null;
  const { workspace } = analysisKernels();
  const stored = workspace.scope(() =>
    measureSpectrum(workspace.copyIn('float32', weight.data), out, inputs, initial.std, initial.family),
  );
  return stored.refitted ? null : stored;
}

/** The number of directions that evidence supports, for layers whose null holds. */
export function supportedRanks(graph: Graph, evidence: LayerEvidence): Map<string, number> {
  const ranks = new Map<string, number>();
  for (const linear of factorable(graph)) {
    const tensor = evidence.get(linear.name);
    const spectrum = tensor ? (storedSpectrum(linear, tensor) ?? tensor.spectrum) : null;
    if (isSpectrumSound(spectrum)) ranks.set(linear.name, spectrum.supported);
  }
  return ranks;
}
