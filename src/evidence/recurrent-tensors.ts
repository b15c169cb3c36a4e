/**
 * Evidence on the weights of recurrent cells, each tensor by itself: W [directions, gates H, I], R [directions, gates H, H]
 * and their biases B. Two frameworks make them: torch draws all three from U(-1/sqrt H, 1/sqrt H); Keras W from Glorot's
 * uniform law, R orthogonal, B zero. `auto` takes the one whose scales W and R are nearer to.
 */
import type { Graph, Node } from '../graph/graph.js';
import { type AnalyzeOptions, analyzeInputs } from './analyze-layers.js';
import type { TensorEvidence } from './evidence.js';
import type { Fans } from './laws.js';
import { momentsOf } from './moments.js';
import type { TensorInput } from './tensor-input.js';

const cells: ReadonlySet<string> = new Set(['GRU', 'LSTM', 'RNN']);

/** A tensor of a cell, and its law where Keras made it. */
interface CellTensor {
  readonly input: TensorInput;
  readonly kerasLaw: string;
  /** As Keras counts them: all gates are one kernel. */
  readonly kerasFans: Fans;
}

/** What is constant of W, R and B. */
function tensorsOfCell({ name, inputs }: Node, { initializers }: Graph): readonly CellTensor[] {
  const recurrent = initializers.get(inputs[2]);
  if (recurrent?.dims.length !== 3) return [];
  const [directions, rows, units] = recurrent.dims;
  const laws = ['glorot-uniform', 'orthogonal', 'zeros'];
  return laws.flatMap((kerasLaw, i): CellTensor[] => {
    const tensor = initializers.get(inputs[i + 1] ?? '');
    if (tensor?.type !== 'float32' || tensor.size === 0) return [];
    const isMatrix = i < 2;
    const columns = isMatrix ? tensor.dims[2] : tensor.size;
    const input: TensorInput = {
      ...{ name: inputs[i + 1], layer: name, kind: isMatrix ? 'weight' : 'bias' },
      ...{ rows: isMatrix ? directions * rows : 1, columns, step: 0 },
      ...{
        fans: { fanIn: isMatrix ? columns : units, fanOut: units },
        values: tensor.data as Float32Array<ArrayBuffer>,
      },
    };
    return [{ input, kerasLaw, kerasFans: { fanIn: columns, fanOut: rows } }];
  });
}

/** How far W and R are from the scales of torch, and from those of Keras. */
function isByKeras(tensors: readonly CellTensor[]): boolean {
  const distance = (ofKeras: boolean) =>
    tensors.reduce((sum, { input, kerasLaw, kerasFans: { fanIn, fanOut } }) => {
      const { std } = momentsOf(input);
      if (input.kind === 'bias') return sum;
      const keras = kerasLaw === 'orthogonal' ? 1 / Math.sqrt(fanOut) : Math.sqrt(2 / (fanIn + fanOut));
      return sum + Math.abs(Math.log(std / (ofKeras ? keras : 1 / Math.sqrt(3 * input.fans.fanOut))));
    }, 0);
  return distance(true) < distance(false);
}

/**
 * Tests the weights of every recurrent cell of a network.
 * @param options  those of the network's analysis; a checkpoint, or a law by name, is the null of these tensors too
 * @throws what {@link analyzeInputs} throws
 */
export async function analyzeCells(graph: Graph, options: AnalyzeOptions): Promise<readonly TensorEvidence[]> {
  const evidence: TensorEvidence[] = [];
  const { init = 'auto', scaleFree: _, onProgress: __, ...rest } = options;
  const test = async (inputs: readonly TensorInput[], law: AnalyzeOptions['init']) =>
    (await analyzeInputs(inputs, [], { ...rest, init: law! })).tensors;
  for (const node of graph.nodes.filter(({ op, domain }) => domain === '' && cells.has(op))) {
    const tensors = tensorsOfCell(node, graph);
    const inputs = tensors.map(({ input }) => input);
    if (init !== 'auto') evidence.push(...(await test(inputs, init)));
    else if (!isByKeras(tensors)) evidence.push(...inferred(await test(inputs, 'torch-rnn')));
    else {
      for (const { input, kerasLaw, kerasFans } of tensors) {
        evidence.push(...inferred(await test([{ ...input, fans: kerasFans }], kerasLaw)));
      }
    }
  }
  return evidence;
}

const inferred = (tensors: readonly TensorEvidence[]) =>
  tensors.map((tensor): TensorEvidence => ({ ...tensor, lawSource: 'inferred' }));
