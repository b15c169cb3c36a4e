import { analyzePaper } from '../../../build/src/evidence/index.js';
import { medianMove } from '../measure.mjs';
import { atLeast, percent, total } from '../rules.mjs';

/** Weights in columns without a single change. */
function idleColumns({ adjacency: { rows, columns, bits } }) {
  const words = Math.ceil(columns / 32);
  const used = new Uint32Array(words);
  bits.forEach((word, at) => {
    used[at % words] |= word;
  });
  const idle = Array.from({ length: columns }, (_, j) => (used[j >> 5] >>> (j & 31)) & 1).filter((bit) => bit === 0);
  return idle.length * rows;
}

const tested = ({ family }) => family.tested;
const still = ({ family }) => family.tested - family.supported;
const share = (families) => percent(total(families, still), total(families, tested));

/** Weights that are bit-equal to their initialisation. */
export const neverMoves = {
  title: 'Many parameters never move in training',
  why:
    'A gradient is exactly zero where an input is never lit, and nowhere else for long; weight decay moves every ' +
    'weight.',
  kinds: ['digits', 'digits-decay', 'stream', 'topics', 'topics-decay'],
  async measure(net, put) {
    const { families } = await analyzePaper(net.graph, { init: net.initial, sequences: false });
    const [first, ...rest] = families;
    put('weights that are bit-equal to their initialisation', share(families), '%', atLeast(5, '%'));
    put('the same, first layer', share([first]), '%');
    put('of them in columns of inputs that are never lit', percent(idleColumns(first), still(first)), '%');
    put('the same, all later layers', share(rest), '%');
    const move = medianMove(net, first.tensors[0]);
    put('median move of a first-layer weight, in standard deviations of its law', move);
  },
};
