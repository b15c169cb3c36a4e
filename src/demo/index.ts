/** What `kerf demo` runs on: digits, source files, and the language detector's input. Imports annealing and below. */
export { type DigitSet, type Digits, findDigits, pixels, readDigits } from './digits.js';
export { bucketIds, bucketIdsTensor } from './language-detector.js';
export { shuffledTwin } from './shuffled-twin.js';
export { findSourceFiles, type SourceFile } from './source-files.js';
