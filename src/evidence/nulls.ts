/** What each tensor is tested against. */
import type { Layer } from '../graph/layers.js';
import { KerfError } from '../runtime/errors.js';
import type { Checkpoint } from './against-checkpoint.js';
import type { Null } from './analyze-tensor.js';
import { type Balanced, balance, commonLogs } from './balance.js';
import { type Inference, inferLaws } from './infer-laws.js';
import { componentOf, type Joint, jointsOf, type Part } from './joints.js';
import type { Candidate } from './law-matches.js';
import { type LawRule, parseLaw } from './laws.js';
import { momentsOf } from './moments.js';
import { balancedInput, rescaledInput } from './rescaling.js';
import { takeTurn } from './take-turn.js';
import type { TensorInput } from './tensor-input.js';
import { productSpread } from './unit-null.js';

/** @throws MODEL_INVALID when the checkpoint has tensors, but none of the network: then it is of another one */
function requireShared(inputs: readonly TensorInput[], checkpoint: Checkpoint): void {
  if (inputs.length === 0 || checkpoint.size === 0 || inputs.some(({ name }) => checkpoint.has(name))) return;
  const list = (names: readonly string[]) => names.slice(0, 3).join(', ') || 'none';
  throw new KerfError(
    'MODEL_INVALID',
    'initial weights',
    `no tensor of the network among them: got ${list([...checkpoint.keys()])}, expected names like ${list(inputs.map(({ name }) => name))}. Save them under the model's names.`,
  );
}

/**
 * What each tensor is tested against: the given law or checkpoint, or laws inferred together.
 * @param layers  whose hidden units may stand rescaled in the file; none to take the tensors as they are
 * @throws MODEL_INVALID for the weights of another network; LAW_INVALID; ABORTED
 */
export async function nullsOf(
  inputs: readonly TensorInput[],
  init: string | Checkpoint,
  layers: readonly Layer[] = [],
  signal?: AbortSignal,
): Promise<Null[]> {
  if (typeof init !== 'string') {
    requireShared(inputs, init);
    return inputs.map(({ name }) => {
      const initial = init.get(name);
      if (!initial) return { law: null, source: 'none', noNull: 'the checkpoint has no tensor of this name' };
      return { law: null, source: 'given', initial };
    });
  }
  if (init !== 'auto') {
    const rule = parseLaw(init);
    return inputs.map(({ kind, fans, noLaw }) =>
      noLaw
        ? { law: null, source: 'none', noNull: noLaw }
        : { law: kind === 'bias' ? rule.bias(fans) : rule.weight(fans), source: 'given' },
    );
  }
  const inferences = await inferTogether(
    inputs.filter(({ noLaw }) => !noLaw),
    layers,
    signal,
  );
  let next = 0;
  return inputs.map(({ noLaw }): Null => {
    if (noLaw) return { law: null, source: 'none', noNull: noLaw };
    const inference = inferences[next++];
    return { ...inference, source: inference.law ? 'inferred' : 'none' };
  });
}

/** The input after one look at its values, which may be made anew at each. */
function lookedAt(input: TensorInput): TensorInput {
  if (input.stored) return input;
  const { name, layer, kind, rows, columns, fans, step, values } = input;
  return { name, layer, kind, rows, columns, fans, step, values };
}

/** Reads the values when they are looked at, never all tensors at once. */
function candidateOf(input: TensorInput, factorOf?: Candidate['factorOf'], isEven = true): Candidate {
  const { name, layer, kind, fans, step } = input;
  const moments = momentsOf(lookedAt(input));
  return {
    name,
    layer,
    kind,
    fans,
    step,
    moments,
    factorOf: factorOf ?? (() => 1),
    isBalanced: factorOf !== undefined,
    isEven,
    get values() {
      return input.values;
    },
  };
}

/** A law of the right order of magnitude, the same for every network: balancing by it needs no inference. */
const neutral = parseLaw('lecun-normal');

/** Squares of each part over those of a rule's law, as {@link commonLogs} takes them. */
function totalsUnder(rule: LawRule, squares: ReadonlyMap<Part, number>): Map<Part, number> {
  return new Map([...squares].map(([part, sum]) => [part, sum / rule.weight(part.input.fans).std ** 2]));
}

/**
 * Factors that balance whole tensors under each rule, after their units are balanced by the neutral law.
 * @returns ln of the factor of the units of each joint
 */
function commonLogsByRule(all: readonly Balanced[]): (rule: LawRule) => Float64Array {
  const joints = all.map(({ joint }) => joint);
  const parts = new Set(joints.flatMap(({ incoming, outgoing }) => [incoming, ...outgoing]));
  const squares = new Map(
    [...parts].map((part): [Part, number] => {
      const { count, mean, std } = momentsOf(lookedAt(balancedInput(part, all)));
      return [part, count * (mean ** 2 + std ** 2)];
    }),
  );
  const known = new Map<LawRule, Float64Array>();
  return (rule) => {
    const logs = known.get(rule) ?? commonLogs(joints, totalsUnder(rule, squares));
    known.set(rule, logs);
    return logs;
  };
}

/** Spread of the units over that of fresh normal ones; of other families it is smaller. */
const evenSpread = 1.3;

/** Whether the products of the units' mean squares differ no more than those of a fresh layer. */
function hasEvenUnits(balanced: Balanced): boolean {
  const { spread, nullSpread } = productSpread(balanced);
  return spread <= evenSpread * nullSpread;
}

/** Candidates of tensors at joints as no rescaling of hidden units can change them. */
function balancedCandidates(
  all: readonly Balanced[],
  biasOf: (joint: Joint) => TensorInput | undefined,
): Map<string, Candidate> {
  const logsOf = commonLogsByRule(all);
  const found = new Map<string, Candidate>();
  const isEven = all.every(hasEvenUnits);
  for (const { joint, logs } of all) {
    for (const part of [joint.incoming, ...joint.outgoing]) {
      const factorOf = (rule: LawRule) => {
        const at = (index: number) => (index < 0 ? 0 : logsOf(rule)[index]);
        return Math.exp(at(part.own) - at(part.source));
      };
      if (!found.has(part.input.name))
        found.set(part.input.name, candidateOf(balancedInput(part, all), factorOf, isEven));
    }
    const bias = biasOf(joint);
    const own = joint.incoming.own;
    if (bias)
      found.set(
        bias.name,
        candidateOf(rescaledInput(bias, null, logs), (rule) => Math.exp(logsOf(rule)[own])),
      );
  }
  return found;
}

/**
 * Laws of tensors that were initialised together. Where the tensors as they stand fit known laws closely, these are
 * taken; in components of joints where one does not, inference looks at what no rescaling of hidden units can change.
 */
async function inferTogether(
  inputs: readonly TensorInput[],
  layers: readonly Layer[],
  signal: AbortSignal | undefined,
): Promise<Inference[]> {
  const candidates: Candidate[] = [];
  for (const input of inputs) {
    candidates.push(candidateOf(input));
    await takeTurn(signal);
  }
  const asTheyAre = await inferLaws(candidates, signal);
  const isClose = new Map(inputs.map(({ name }, i) => [name, asTheyAre[i].close !== undefined]));
  const joints = jointsOf(layers, inputs, ({ kind, fans }) => (kind === 'weight' ? neutral.weight(fans) : null));
  const unclear = new Set(
    joints
      .filter(({ incoming, outgoing }) => ![incoming, ...outgoing].every(({ input }) => isClose.get(input.name)))
      .map((joint) => componentOf(joints, joint)),
  );
  if (unclear.size === 0) return asTheyAre;
  const biases = new Map(inputs.filter(({ kind }) => kind === 'bias').map((input) => [input.layer, input]));
  const balanced = balancedCandidates(balance(joints), ({ layer }) => biases.get(layer));
  const isUnclear = new Set(
    joints
      .filter((joint) => unclear.has(componentOf(joints, joint)))
      .flatMap(({ layer, incoming, outgoing }) =>
        [incoming, ...outgoing].map(({ input }) => input.name).concat(biases.get(layer)?.name ?? []),
      ),
  );
  return inferLaws(
    candidates.map((candidate) => (isUnclear.has(candidate.name) ? balanced.get(candidate.name)! : candidate)),
    signal,
  );
}
