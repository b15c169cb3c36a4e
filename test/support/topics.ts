/** Documents of words from separate domains, and the two-layer network that plain SGD makes of them. */

import { parseLaw } from '../../src/evidence/index.js';
import { createRandom, type Random } from '../oracle/random.js';
import { draw } from './fresh-layers.js';
import { shuffledLabels } from './networks.js';

/** Domains of `perDomain` words each; `unseen` more words never occur. One class is one order of a domain's words. */
export interface TopicsRecipe {
  readonly seed: number;
  readonly domains: number;
  readonly classes: number;
  readonly perDomain: number;
  readonly unseen: number;
  readonly units: number;
  readonly documents: number;
  readonly epochs: number;
  readonly rate: number;
  /** Weight decay; 0 for none. */
  readonly decay: number;
}

export interface TopicsNet {
  /** W1 [units, words] and W2 [domains classes, units], before and after training. */
  readonly initial: readonly [Float32Array<ArrayBuffer>, Float32Array<ArrayBuffer>];
  readonly trained: readonly [Float32Array<ArrayBuffer>, Float32Array<ArrayBuffer>];
  readonly words: number;
  readonly outputs: number;
  /** Documents that it was not trained on. */
  readonly fresh: readonly Document[];
  /** Share of fresh documents whose class it names. */
  readonly accuracy: number;
}

export interface Document {
  /** Distinct words, and their clipped counts over 3. */
  readonly words: readonly number[];
  readonly counts: readonly number[];
  readonly label: number;
}

const length = 30;

/** Zipf's law over a domain's words, in the order of the class. */
function drawDocument(
  random: Random,
  orders: readonly (readonly number[])[],
  { domains, classes, perDomain }: TopicsRecipe,
): Document {
  const label = random.below(domains * classes);
  const first = Math.floor(label / classes) * perDomain;
  const total = Math.log(perDomain + 1);
  const counts = new Map<number, number>();
  for (let i = 0; i < length; i++) {
    const place = Math.min(perDomain - 1, Math.floor(Math.exp(random.uniform() * total) - 1));
    const word = first + orders[label][place];
    counts.set(word, Math.min(3, (counts.get(word) ?? 0) + 1));
  }
  return { words: [...counts.keys()], counts: [...counts.values()].map((n) => n / 3), label };
}

/** ReLU of W1 x. */
function hidden(w1: Float32Array, words: number, units: number, { words: present, counts }: Document): Float64Array {
  return Float64Array.from({ length: units }, (_, u) => {
    let sum = 0;
    present.forEach((word, i) => {
      sum += w1[u * words + word] * counts[i];
    });
    return Math.max(0, sum);
  });
}

function logitsOf(w2: Float32Array, outputs: number, h: Float64Array): Float64Array {
  return Float64Array.from({ length: outputs }, (_, o) => h.reduce((sum, x, u) => sum + w2[o * h.length + u] * x, 0));
}

/** Trains on single documents by the softmax's cross-entropy, without biases, each step rounded to float32. */
export function trainTopics(recipe: TopicsRecipe): TopicsNet {
  const { seed, domains, classes, perDomain, unseen, units, documents, epochs, rate, decay } = recipe;
  const random = createRandom(seed);
  const words = domains * perDomain + unseen;
  const outputs = domains * classes;
  const orders = Array.from({ length: outputs }, () => shuffledLabels(random, perDomain, perDomain));
  const law = parseLaw('torch-linear');
  const initial = [
    draw(law.weight({ fanIn: words, fanOut: units }), seed, 'w1', units * words),
    draw(law.weight({ fanIn: units, fanOut: outputs }), seed, 'w2', outputs * units),
  ] as const;
  const [w1, w2] = initial.map((w) => w.slice());
  const corpus = Array.from({ length: documents }, () => drawDocument(random, orders, recipe));
  const keep = Math.fround(1 - rate * decay);
  for (let step = 0; step < documents * epochs; step++) {
    const document = corpus[step % documents];
    const h = hidden(w1, words, units, document);
    const logits = logitsOf(w2, outputs, h);
    const most = Math.max(...logits);
    const exps = logits.map((x) => Math.exp(x - most));
    const total = exps.reduce((sum, x) => sum + x, 0);
    const errors = exps.map((x, o) => x / total - (o === document.label ? 1 : 0));
    const back = new Float64Array(units);
    if (decay > 0 && step % 100 === 0) {
      for (const w of [w1, w2]) for (let i = 0; i < w.length; i++) w[i] = Math.fround(w[i] * keep);
    }
    for (let o = 0; o < outputs; o++) {
      const row = o * units;
      for (let u = 0; u < units; u++) {
        back[u] += errors[o] * w2[row + u];
        w2[row + u] -= rate * errors[o] * h[u];
      }
    }
    for (let u = 0; u < units; u++) {
      if (h[u] === 0) continue;
      document.words.forEach((word, i) => {
        w1[u * words + word] -= rate * back[u] * document.counts[i];
      });
    }
  }
  const fresh = Array.from({ length: 500 }, () => drawDocument(random, orders, recipe));
  const net = { initial, trained: [w1, w2] as const, words, outputs, fresh };
  return { ...net, accuracy: accuracyOf(net, net.trained) };
}

/** Share of fresh documents whose class a pair of weights names. */
export function accuracyOf(
  { words, outputs, fresh }: Pick<TopicsNet, 'words' | 'outputs' | 'fresh'>,
  [w1, w2]: TopicsNet['trained'],
): number {
  const right = fresh.filter((document) => {
    const logits = logitsOf(w2, outputs, hidden(w1, words, w1.length / words, document));
    return logits.indexOf(Math.max(...logits)) === document.label;
  });
  return right.length / fresh.length;
}
