import { analyzePaper, annealByZero } from '../../../build/src/evidence/index.js';
import { compare, init, refit } from '../measure.mjs';
import { atLeast, atMost, percent, total } from '../rules.mjs';

const zeroed = (what) => `${what} set to zero`;

/** Puts what zeroing did, and what least squares repairs of it. */
async function judge(what, net, data, paper, put) {
  const annealed = annealByZero(net.graph, paper);
  const zero = await compare(net, data, annealed);
  put(`${zeroed(what)}: accuracy, against the original`, zero.points, 'points', atLeast(-0.5, 'points'));
  put(`${zeroed(what)}: relative change of the logits`, zero.rel, '', atMost(0.05));
  const refitted = await compare(net, data, await refit(net, annealed, data.calibration));
  put('the same, the rest refitted by least squares: accuracy', refitted.points, 'points');
  put('the same, the rest refitted by least squares: relative change of the logits', refitted.rel);
}

/** Nets with exact knowledge of what moved, and nets where the test has to tell. */
export const noEffect = {
  title: 'What did not move, or looks like its initialisation, has no effect',
  why:
    'Weights that training left alone still carry signal, and later layers were trained against it. Zero is right ' +
    'only for what is never read or was small to begin with; least squares makes up for most of the rest.',
  kinds: ['topics', 'ideal', 'ideal-small', 'digits', 'topics-heads'],
  async measure(net, put, data) {
    if (net.kind !== 'digits' && net.kind !== 'topics-heads') {
      const unmoved = await analyzePaper(net.graph, { init: net.initial, sequences: false });
      await judge('bit-equal weights', net, data, unmoved, put);
      return;
    }
    const paper = await analyzePaper(net.graph, { init, sequences: false });
    const kept = total(paper.families, ({ family }) => family.supported);
    put(
      'weights kept at alpha = .05',
      percent(
        kept,
        total(paper.families, ({ family }) => family.tested),
      ),
      '%',
    );
    await judge('weights with p > .05', net, data, paper, put);
    const reset = await compare(net, data, annealByZero(net.graph, paper, net.initial));
    put('weights with p > .05 set to their initial values instead: relative change of the logits', reset.rel);
  },
};
