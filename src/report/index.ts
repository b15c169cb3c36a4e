/** report: artefacts of the pipeline as tables for people. One file per artefact; text in, text out. */
export { plain } from './plain.js';
export { formatFacts, formatTable } from './table.js';
