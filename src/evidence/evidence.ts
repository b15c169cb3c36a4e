/** What training supports: one result per weight tensor, tested against the law it was initialised from. */

/** One result shape for every statistical test. */
export interface TestResult {
  /** Test name: `ks`, `chi-square`, `marchenko-pastur`, ... */
  readonly test: string;
  /** The null hypothesis in words. */
  readonly nullHypothesis: string;
  readonly alternative: 'two-sided' | 'greater' | 'less';
  readonly statistic: number;
  readonly pValue: number;
  /** Natural log of the p-value, finite where pValue underflows. */
  readonly logPValue: number;
  readonly method: 'exact' | 'asymptotic' | 'tabulated' | 'simulated';
}

export type Verdict = 'initialisation' | 'partly' | 'moved' | 'no-null';

/** How many of a family of hypotheses were tested, and how many are supported (null rejected) under the stated rate. */
export interface FamilyResult {
  readonly tested: number;
  readonly supported: number;
  /** Which error rate the count controls, and at what level. */
  readonly control: 'false-discovery-rate' | 'family-wise' | 'per-test';
  readonly level: number;
}

export interface SpectrumResult {
  /** Directions above the Tracy-Widom threshold; the rank evidence supports. */
  readonly supported: number;
  /** min(out, in). */
  readonly rank: number;
  /** Noise scale in force: the law's, or refitted from the bulk. */
  readonly sigma: number;
  readonly refitted: boolean;
  /** The refitted scale once more, after the supported directions are dropped. */
  readonly sigmaIterated?: number;
  /** A second estimate of the refitted scale, from groups of weights; where the two differ by over 10 %, none is claimed. */
  readonly sigmaByGroups?: number;
  readonly threshold: number;
  /** Columns of the noise matrix whose values these are: its longer side; the shorter is the number of values. */
  readonly longerSide: number;
  /** Singular values that were counted, descending; of the biwhitened matrix when `refitted`. */
  readonly values: Float64Array;
}

/** Evidence on one weight tensor (matrix or vector). */
export interface TensorEvidence {
  readonly name: string;
  /** Layer this tensor is the weight or bias of, if any. */
  readonly layer: string | null;
  /** Law in the contract's spelling, e.g. `torch-linear`, `truncated-normal:0.1195`; null when none could be determined. */
  readonly law: string | null;
  /** Whether the law was given, or inferred by `auto`. */
  readonly lawSource: 'given' | 'inferred' | 'none';
  /** std(w) / std(law); NaN when there is no law. */
  readonly scaleRatio: number;
  /** KS of all weights against the law (dithered by the quantisation step), with its distance. */
  readonly fit: { readonly ks: number; readonly pValue: number };
  readonly verdict: Verdict;
  /** One sentence: why this verdict. */
  readonly reason: string;
  readonly weights: FamilyResult;
  readonly columns: FamilyResult;
  readonly rows: FamilyResult;
  /** Hidden units whose outgoing or incoming weights are in this tensor; null for vectors and the last layer. */
  readonly units: FamilyResult | null;
  readonly spectrum: SpectrumResult | null;
  readonly blocks: { readonly k: number } | null;
  /** What a report draws; present when asked for, where there are scores. */
  readonly pictures?: TensorPictures;
}

/** How many p-values fall in each of equally wide bins of [0, 1]: flat when the null hypothesis holds. */
export type PValueHistogram = readonly number[];

/** Supported weights in each cell of a coarse grid over a matrix. */
export interface SpyPlot {
  readonly height: number;
  readonly width: number;
  /** [height, width], row by row: share of the cell's weights that are supported. */
  readonly shares: readonly number[];
}

export interface TensorPictures {
  readonly weights: PValueHistogram;
  readonly rows: PValueHistogram;
  readonly columns: PValueHistogram;
  /** Null for vectors, and where no weight is supported. */
  readonly support: {
    readonly before: SpyPlot;
    readonly after: SpyPlot;
    /** What rows and columns were ordered by. */
    readonly order: 'blocks' | 'components';
    /** Components of rows and columns joined by supported weights; single rows and columns not counted. */
    readonly components: number;
    /** Rows and columns without a supported weight. */
    readonly isolated: number;
  } | null;
}

/** Evidence on one hidden unit of one layer (incoming row, bias, outgoing columns). */
export interface UnitEvidence {
  /** Layer whose outputs the units are. */
  readonly layer: string;
  /** p-value per unit, length out. */
  readonly pValues: Float64Array;
  /** Whether each unit is supported under Benjamini-Hochberg at the run's level. */
  readonly supported: Uint8Array;
}

/**
 * Evidence on the paths of one d-m-d block, from each of d inputs to each of d outputs through all m hidden units. Does not
 * depend on order or scale of the hidden units, as single edges do. Described, never pruned by.
 */
export interface PathEvidence {
  /** The two layers. */
  readonly layers: readonly [string, string];
  /** Two-sided; paths of a fresh block are uncorrelated, but not independent. */
  readonly paths: FamilyResult;
  /** Largest distance of the distribution of path scores from the standard normal. */
  readonly ks: number;
  /** Share of paths with p <= .05; .05 in a fresh block. */
  readonly shareAt05: number;
}

export interface Evidence {
  readonly tensors: readonly TensorEvidence[];
  readonly units: readonly UnitEvidence[];
  readonly paths: readonly PathEvidence[];
  readonly fdr: number;
  readonly seed: number;
}
