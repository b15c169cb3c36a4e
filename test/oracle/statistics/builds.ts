/** The release and the debug build of the analysis module: every kernel is tested in both. */
import { readFileSync } from 'node:fs';
import { type Analysis, bindAnalysis } from '../../../src/evidence/index.js';

export const builds: readonly (readonly [name: string, analysis: Analysis])[] = [
  ['release', bindAnalysis(Uint8Array.from(readFileSync('build/wasm/analysis.wasm')))],
  ['debug', bindAnalysis(Uint8Array.from(readFileSync('build/wasm/analysis-debug.wasm')))],
];

/** |got - want| <= bound * max(1, |want|), with the numbers in the message. */
export function assertClose(got: number, want: number, bound: number, what: string): void {
  if (!(Math.abs(got - want) <= bound * Math.max(1, Math.abs(want)))) {
    throw new Error(`${what}: got ${got}, expected ${want} within ${bound}`);
  }
}
