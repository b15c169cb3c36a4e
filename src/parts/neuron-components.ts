/**
 * Components of neurons: which units of a run of layers depend on each other.
 *
 *     nodes:  | inputs of the first layer | units of layer 1 | units of layer 2 | ... | outputs |
 *
 * A non-zero weight joins its row and its column. Inputs may be shared, since everyone may read them; so they join
 * nothing where there are hidden units. In a single layer they do, or each row would be a part of its own.
 */
import type { Linear } from '../annealing/rewrite.js';
import { countNonzero, positions, submatrix } from '../annealing/submatrix.js';
import { analysisKernels } from '../evidence/analysis.js';
import { Forest } from '../graph/weak-components.js';

/** One component: positions in each layer, ascending. */
export interface NeuronComponent {
  /** Inputs of the first layer that any of its weights read. */
  readonly inputs: Int32Array<ArrayBuffer>;
  /** Units of each layer; those of the last layer are outputs. */
  readonly units: readonly Int32Array<ArrayBuffer>[];
}

/** Joins rows and columns of a layer in the forest; `columnBase` is where the columns' nodes begin. */
function unite(forest: Forest, { weight }: Linear, rowBase: number, columnBase: number): void {
  const { kernels, workspace } = analysisKernels();
  workspace.scope(() => {
    const w = workspace.copyIn('float32', weight.data);
    const parents = workspace.copyIn('int32', forest.parents);
    kernels.f32_unite_nonzero(weight.dims[0], weight.dims[1], w.ptr, rowBase, columnBase, parents.ptr);
    forest.parents.set(workspace.view(parents));
  });
}

/** Columns that the given rows of a layer read. */
function columnsRead({ weight }: Linear, rows: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const all = Int32Array.from({ length: weight.dims[1] }, (_, j) => j);
  return positions(countNonzero(submatrix(weight, rows, all)).columns);
}

/**
 * The components of a run of layers, ordered by their first output. Units that feed no output belong to none; outputs
 * that read no hidden unit go to the first component.
 */
export function neuronComponents(layers: readonly Linear[]): readonly NeuronComponent[] {
  const widths = layers.map(({ weight }) => weight.dims[0]);
  const bases = widths.map(
    (_, i) => layers[0].weight.dims[1] + widths.slice(0, i).reduce((sum, width) => sum + width, 0),
  );
  const forest = new Forest(bases[bases.length - 1] + widths[widths.length - 1]);
  const isShared = layers.length > 1;
  for (let i = isShared ? 1 : 0; i < layers.length; i++) unite(forest, layers[i], bases[i], i === 0 ? 0 : bases[i - 1]);
  const component = forest.components();
  const last = layers.length - 1;
  const outputs = component.subarray(bases[last]);
  const feeding = isShared ? component.subarray(bases[last - 1], bases[last]) : component.subarray(0, bases[0]);
  const isFed = new Set(feeding);
  const numbers = [...new Set(outputs)].filter((number) => isFed.has(number));
  if (numbers.length === 0) return [];
  const stray = new Set([...new Set(outputs)].filter((number) => !isFed.has(number)));
  return numbers.map((number, index) => {
    const isMember = (other: number) => other === number || (index === 0 && stray.has(other));
    const units = widths.map((width, i) =>
      positions(Array.from(component.subarray(bases[i], bases[i] + width), isMember)),
    );
    return { inputs: columnsRead(layers[0], units[0]), units };
  });
}
