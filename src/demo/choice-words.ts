import type { ChoiceName } from '../annealing/annealing.js';

/** What annealing did to a layer, for readers who do not know kerf's words. */
export const choiceWords: Readonly<Record<ChoiceName | string, string>> = {
  dense: 'kept',
  trim: 'kept, without zeros',
  units: 'kept, without unused units',
  rank: 'two thin layers',
  blocks: 'blocks that exchange a few numbers',
  constant: 'a constant',
  removed: 'removed',
} satisfies Record<ChoiceName, string>;
