/** Evidence: what training supports. Laws of initialisation, tests on weights, spectra, multiple testing, verdicts. */
export * from './analysis.js';
