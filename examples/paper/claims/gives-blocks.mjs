import { analyze, analyzePaper } from '../../../build/src/evidence/index.js';
import { removeDead } from '../../../build/src/graph/fold.js';
import { findLayers } from '../../../build/src/graph/index.js';
import { inferFacts } from '../../../build/src/graph/infer.js';
import { controls, init } from '../measure.mjs';
import { atLeast, exactly, percent } from '../rules.mjs';

/** The graph up to the input of its last linear layer, which joins everything. */
function withoutHead(graph) {
  const value = findLayers(graph).at(-1).input;
  const { dtype, shape } = inferFacts(graph).get(value);
  return removeDead({ ...graph, outputs: [{ name: value, dtype, shape }] });
}

/** Components of the whole body, in the paper's favour without the output layer. */
export const givesBlocks = {
  title: 'Components of what is left are blocks that run independently',
  why:
    'One false edge joins two blocks, and units that serve several domains join them truly. Where blocks are disjoint ' +
    'by construction, a family-wise error rate finds them. The output layer is left out, since it joins everything.',
  kinds: ['digits', 'stream', 'topics', 'topics-heads', 'ideal'],
  async measure({ kind, graph, initial }, put) {
    const body = withoutHead(graph);
    const isPlanted = kind !== 'digits' && kind !== 'stream';
    const planted = isPlanted ? '; 8 are planted' : '';
    for (const control of controls) {
      const { structure } = await analyzePaper(body, { init, control });
      const rule = isPlanted ? exactly(8) : atLeast(2);
      put(`${control}: components of more than one node${planted}`, structure.components, '', rule);
      put(`${control}: edges in the largest component`, percent(structure.largestEdgeShare, 1), '%');
      if (kind !== 'stream') continue;
      put(`${control}: largest strong component, of 128 stream nodes`, structure.largestStrong);
    }
    const { spectrum, blocks } = (await analyze(graph, { init })).tensors[0];
    put("kerf's own resolution beside: blocks of the first layer's columns", blocks?.k ?? 1);
    put(
      `kerf's own resolution beside: supported directions of the first layer, of ${spectrum.rank}`,
      spectrum.supported,
    );
    if (kind !== 'ideal') return;
    const { structure } = await analyzePaper(body, { init: initial, sequences: false });
    put('with the initial weights known: components of more than one node', structure.components);
  },
};
