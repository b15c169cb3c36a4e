/** Evidence: what training supports. Laws of initialisation, tests on weights, spectra, multiple testing, verdicts. */
export type { Checkpoint } from './against-checkpoint.js';
export * from './analysis.js';
export { analyze } from './analyze.js';
export { type AnalyzeOptions, analyzeLayers } from './analyze-layers.js';
export { type BlockStructure, findBlocks } from './blocks.js';
export { findTouched, type Touched } from './checkpoint.js';
export { columnBlocks } from './column-blocks.js';
export { leadingEigenvectors } from './eigen.js';
export type * from './evidence.js';
export { type GroupTest, groupNull, groupTests, refitScale, testGroups } from './group-tests.js';
export { type Fans, hasScores, type Law, lawNames, parseLaw } from './laws.js';
export { chiSquareLogP, type Method, reject } from './multiple-testing.js';
export { chanceJaccard, jaccard } from './paper/adjacency.js';
export { analyzePaper, type PaperOptions } from './paper/analyze-paper.js';
export { annealByZero } from './paper/anneal-by-zero.js';
export type * from './paper/paper-evidence.js';
export { bulkSigma, measureSpectrum, noiseCounts, noiseEdge, singularValues } from './spectrum.js';
export { tensorKey } from './tensor-key.js';
