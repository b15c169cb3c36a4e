/** What became of each layer once its independent blocks are layers of their own. */
import type { LayerChoice } from '../annealing/annealing.js';
import { parametersOf } from '../annealing/layer-choices.js';
import type { Graph } from '../graph/graph.js';
import { componentSuffix } from './split-chain.js';

/** The choices of annealing with the number of blocks, and the parameters that are left in them. */
export function splitChoices(choices: readonly LayerChoice[], graph: Graph): readonly LayerChoice[] {
  return choices.map((choice) => {
    const blocks = graph.nodes.filter(
      ({ name, op }) => op === 'Linear' && name.startsWith(`${choice.layer}${componentSuffix}`),
    );
    if (blocks.length === 0) return choice;
    const after = blocks.reduce((sum, { name }) => sum + parametersOf(graph, name), 0);
    return { ...choice, choice: choice.choice === 'dense' ? 'trim' : choice.choice, k: blocks.length, after };
  });
}
