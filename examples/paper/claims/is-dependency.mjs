import { analyze, analyzePaper, chanceJaccard, jaccard } from '../../../build/src/evidence/index.js';
import { init, logitsOf, relativeError } from '../measure.mjs';
import { rescaleBlocks, shuffleBlocks } from '../other-names.mjs';
import { atLeast, percent, total } from '../rules.mjs';

/** Adjacency of each d-4d-d block. */
async function supports(graph, control) {
  const { families } = await analyzePaper(graph, { init, control });
  return families.filter(({ kind }) => kind === 'sequences').map(({ adjacency }) => adjacency);
}

const share = (blocks) =>
  percent(
    total(blocks, ({ edges }) => edges),
    total(blocks, ({ rows, columns }) => rows * columns),
  );

/** Hidden units of the blocks whose decision is not that of the unit they were. */
async function unitsThatDiffer(graph, shuffled, orders) {
  const [before, after] = [await analyze(graph, { init }), await analyze(shuffled, { init })];
  const decisionsOf = (evidence, name) => evidence.units.find(({ layer }) => layer === name).supported;
  return total([...orders], ([name, order]) => {
    const [old, now] = [decisionsOf(before, name), decisionsOf(after, name)];
    return order.filter((from, to) => old[from] !== now[to]).length;
  });
}

/** The same function under other names: a dependency would not notice. */
export const isDependency = {
  title: 'The eight values of an edge of a d-4d-d block are a dependency',
  why:
    'Which weights make up an edge depends on how the hidden units are numbered and scaled, and the function does ' +
    'not: edge sequences are not identifiable. Decisions on whole hidden units are.',
  kinds: ['stream'],
  async measure({ graph, seed }, put, { test }) {
    const { graph: shuffled, orders } = shuffleBlocks(graph, seed);
    const { graph: rescaled } = rescaleBlocks(graph, 2);
    const moved = relativeError(await logitsOf(shuffled, test), await logitsOf(graph, test));
    put('hidden units in another order: relative change of the logits', moved);
    for (const control of ['alpha', 'bonferroni']) {
      const [before, after] = [await supports(graph, control), await supports(shuffled, control)];
      for (const [i, edges] of before.entries()) {
        const where = `block ${i + 1}, ${control}`;
        const overlap = jaccard(edges, after[i]);
        put(`${where}: overlap (Jaccard) of the supported edges before and after`, overlap, '', atLeast(0.95));
        put(`${where}: overlap of two sets of that size by chance`, chanceJaccard(edges, after[i]));
      }
    }
    put('alpha: edges supported', share(await supports(graph, 'alpha')), '%');
    const after = share(await supports(rescaled, 'alpha'));
    put('alpha: edges supported when hidden units are scaled by 2 in and 1/2 out, the same function', after, '%');
    const differing = await unitsThatDiffer(graph, shuffled, orders);
    put('hidden units whose own decision differs after the reordering', differing);
  },
};
