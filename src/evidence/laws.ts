/** Laws of initialisation by name: the null hypotheses of every test. */
import { KerfError } from '../runtime/errors.js';

/** Standard deviation of a standard normal cut at +-2. */
export const truncatedStd = 0.8796256610342398;

export type LawFamily = 'normal' | 'truncated-normal' | 'uniform' | 'point' | 'orthogonal';

/** Variance and third central moment of (w / std)^2. */
export const squareMoments: Partial<Record<LawFamily, readonly [number, number]>> = {
  normal: [2, 8],
  uniform: [4 / 5, 16 / 35],
  'truncated-normal': [1.3655367171296495, 2.374583149221971],
};

/** What a law's scale depends on. */
export interface Fans {
  /** Inputs of one output: the contracted axis. */
  readonly fanIn: number;
  /** Outputs. */
  readonly fanOut: number;
}

/** A law with its numbers filled in. */
export interface Law {
  /** In the contract's spelling. */
  readonly name: string;
  readonly family: LawFamily;
  /** sigma; sigma before truncation; half width; the value of a point law; NaN for orthogonal. */
  readonly scale: number;
  readonly std: number;
}

/** Whether weights under this law have PIT scores: it has a density, and entries are independent. */
export function hasScores(law: Law): boolean {
  return law.family === 'normal' || law.family === 'truncated-normal' || law.family === 'uniform';
}

/** A law whose numbers wait for the shape of a tensor. */
export interface LawRule {
  readonly name: string;
  weight(fans: Fans): Law;
  /** What the same scheme gives a bias of the layer. */
  bias(fans: Fans): Law;
}

const zeros: Law = { name: 'zeros', family: 'point', scale: 0, std: 0 };

function uniform(name: string, halfWidth: number): Law {
  return { name, family: 'uniform', scale: halfWidth, std: halfWidth / Math.sqrt(3) };
}

function normal(name: string, std: number): Law {
  return { name, family: 'normal', scale: std, std };
}

/** A normal law cut at +-2 sigma, by the standard deviation it has after the cut. */
function truncated(name: string, std: number): Law {
  return { name, family: 'truncated-normal', scale: std / truncatedStd, std };
}

type Scheme = readonly [weight: (name: string, fans: Fans) => Law, bias?: (name: string, fans: Fans) => Law];

const overFanIn = (name: string, { fanIn }: Fans) => uniform(name, 1 / Math.sqrt(fanIn));
const overHidden = (name: string, { fanOut }: Fans) => uniform(name, 1 / Math.sqrt(fanOut));
const sum = ({ fanIn, fanOut }: Fans) => fanIn + fanOut;

const schemes: Readonly<Record<string, Scheme>> = {
  'torch-linear': [overFanIn, overFanIn],
  'torch-rnn': [overHidden, overHidden],
  'kaiming-uniform': [(name, { fanIn }) => uniform(name, Math.sqrt(6 / fanIn))],
  'kaiming-normal': [(name, { fanIn }) => normal(name, Math.sqrt(2 / fanIn))],
  'kaiming-normal-fan-out': [(name, { fanOut }) => normal(name, Math.sqrt(2 / fanOut))],
  'glorot-uniform': [(name, fans) => uniform(name, Math.sqrt(6 / sum(fans)))],
  'glorot-normal': [(name, fans) => normal(name, Math.sqrt(2 / sum(fans)))],
  'lecun-uniform': [(name, { fanIn }) => uniform(name, Math.sqrt(3 / fanIn))],
  'lecun-normal': [(name, { fanIn }) => normal(name, Math.sqrt(1 / fanIn))],
  'keras-he-normal': [(name, { fanIn }) => truncated(name, Math.sqrt(2 / fanIn))],
  'keras-he-normal-fan-out': [(name, { fanOut }) => truncated(name, Math.sqrt(2 / fanOut))],
  'keras-glorot-normal': [(name, fans) => truncated(name, Math.sqrt(2 / sum(fans)))],
  'keras-lecun-normal': [(name, { fanIn }) => truncated(name, Math.sqrt(1 / fanIn))],
  orthogonal: [(name) => ({ name, family: 'orthogonal', scale: Number.NaN, std: Number.NaN })],
  zeros: [() => zeros],
  ones: [(name) => ({ name, family: 'point', scale: 1, std: 0 })],
};

const scaled: Readonly<Record<string, (name: string, scale: number) => Law>> = {
  normal,
  'truncated-normal': (name, scale) => truncated(name, scale * truncatedStd),
  uniform,
};

/** Every spelling that {@link parseLaw} accepts, for messages; S and B stand for a number. */
export const lawNames: readonly string[] = [...Object.keys(schemes), 'normal:S', 'truncated-normal:S', 'uniform:B'];

function unknown(text: string): KerfError {
  return new KerfError(
    'LAW_INVALID',
    `init law "${text}"`,
    `unknown law: got "${text}", expected one of auto, ${lawNames.join(', ')}, or a file with the initial weights.`,
    { got: text, known: lawNames },
  );
}

/**
 * The law that a name stands for.
 * @param text  one of {@link lawNames}, with a positive number for S or B
 * @throws LAW_INVALID when the name is unknown or its number is not positive and finite
 * @example  parseLaw('torch-linear').weight({ fanIn: 100, fanOut: 10 }).scale === 0.1
 */
export function parseLaw(text: string): LawRule {
  if (Object.hasOwn(schemes, text)) {
    const [weight, bias] = schemes[text];
    return { name: text, weight: (fans) => weight(text, fans), bias: (fans) => bias?.(text, fans) ?? zeros };
  }
  const [family, number, ...rest] = text.split(':');
  if (!Object.hasOwn(scaled, family) || number === undefined || rest.length > 0) throw unknown(text);
  const scale = Number(number);
  if (number.trim() === '' || !Number.isFinite(scale) || scale <= 0) {
    throw new KerfError(
      'LAW_INVALID',
      `init law "${text}"`,
      `invalid scale: got "${number}", expected a positive number, as in "${family}:0.02".`,
      { got: number },
    );
  }
  return { name: text, weight: () => scaled[family](text, scale), bias: () => zeros };
}
