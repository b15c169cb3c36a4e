/** The block structures that are proposed, from gentle to aggressive. Fixed before the guard is looked at. */
import type { Graph } from '../graph/graph.js';
import type { BlockForm } from './blocks.js';
import { type BusWidths, sameWidths } from './bus-widths.js';
import type { Setting } from './fit.js';
import { readsHiddenUnits } from './fit-blocks.js';
import { factorable } from './offers.js';
import type { Domains } from './partition.js';
import { isPlain, type Linear, linearsOf } from './rewrite.js';

/** Widths of the bus, from gentle to aggressive. */
const busWidths = [32, 24, 16, 8, 0];

/** With domains the blocks need little of each other. */
const domainBusWidths = [8, 0];

/** Contrast from which domains are proposed on their own accord; neighbouring pixels reach 4. */
const clearContrast = 6;

/** Layers that read an input of the network as it is, or columns of it. */
export function entryLayers(graph: Graph): readonly Linear[] {
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  for (const { op, inputs: read, outputs } of graph.nodes) {
    if ((op === 'Gather' || op === 'Slice') && inputs.has(read[0])) for (const value of outputs) inputs.add(value);
  }
  return linearsOf(graph).filter((linear) => inputs.has(linear.input) && !readsHiddenUnits(graph, linear));
}

/**
 * The setting that gives every layer blocks and a bus where they make it cheaper; none where they do nowhere.
 * @param domains  inputs of each block, by the value whose columns they are
 * @param widths  shares the bus out over layers
 */
function settingOf(
  graph: Graph,
  { k, bus }: BlockForm,
  units: Setting['units'],
  domains: ReadonlyMap<string, Domains>,
  widths: BusWidths = sameWidths,
): readonly Setting[] {
  const cheaper = blockable(graph, k).filter(({ weight: { dims, size } }) => {
    const [out, inputs] = dims;
    return size / k + bus * (out + inputs) < size;
  });
  if (cheaper.length === 0) return [];
  const shared = widths(cheaper, bus);
  const blocks = new Map(
    cheaper.map(({ name, input }): [string, BlockForm] => {
      const inputs = domains.get(input);
      const form = { k, bus: shared.get(name) ?? bus };
      return [name, inputs?.blocks.length === k ? { ...form, inputs } : form];
    }),
  );
  return [{ name: `${units.size > 0 ? 'units, ' : ''}${k} blocks, bus of ${bus}`, units, ranks: new Map(), blocks }];
}

/** Settings in one given form, or with every width of the bus for a demanded number of parts. */
export function demandedSettings(
  graph: Graph,
  k: number,
  bus: 'auto' | number,
  units: Setting['units'],
  domains: ReadonlyMap<string, Domains>,
  widths: BusWidths,
): readonly Setting[] {
  const all = bus === 'auto' ? busWidths : [bus];
  return all.flatMap((width) => settingOf(graph, { k, bus: width }, units, domains, widths));
}

/** Layers that may get `k` blocks. */
export function blockable(graph: Graph, k: number): readonly Linear[] {
  return factorable(graph).filter((layer) => isPlain(layer) && Math.min(...layer.weight.dims) >= k);
}

/** Settings that clear domains of the inputs suggest. */
export function domainSettings(
  graph: Graph,
  units: Setting['units'],
  domains: ReadonlyMap<string, Domains>,
): readonly Setting[] {
  const clear = new Map([...domains].filter(([, { contrast }]) => contrast >= clearContrast));
  const counts = new Set([...clear.values()].map(({ blocks }) => blocks.length));
  return [...counts].flatMap((k) => domainBusWidths.flatMap((bus) => settingOf(graph, { k, bus }, units, clear)));
}
