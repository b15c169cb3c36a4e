/**
 * Recurrent cells written out time by time, so that gradients go back through them by the rules of their operators:
 *
 *     LSTM:  s = W x_t + R h;  c' = sigmoid(s_f) c + sigmoid(s_i) tanh(s_c);  h' = sigmoid(s_o) tanh(c')
 *     GRU:   n = tanh(W_n x_t + sigmoid(s_r) R_n h);  h' = n + sigmoid(s_z) (h - n)
 */
import { removeDead } from '../../graph/fold.js';
import type { Attribute, Graph, Node } from '../../graph/graph.js';
import { inferFacts } from '../../graph/infer.js';
import { isStatic } from '../../runtime/extent.js';
import { Tensor } from '../../runtime/tensor.js';
import { type Cell, cellOf, inputsSuffix, stateSuffix } from '../recurrences.js';

/** Most times that are written out: each takes a dozen nodes, and twice as many back. */
const mostTimes = 128;

/** Follows the name of a layer in those of its products at each time. */
const timeSuffix = '@';

export interface Unrolled {
  readonly graph: Graph;
  /** The layer that a node of the graph computes at one time, by the node's name. */
  readonly layerOf: ReadonlyMap<string, string>;
}

/** Writes one cell. */
class Unroller {
  readonly nodes: Node[] = [];
  readonly constants = new Map<string, Tensor>();
  readonly layerOf = new Map<string, string>();

  constructor(readonly cell: Cell) {}

  emit(op: string, inputs: readonly string[], outputs = 1, attributes: Record<string, Attribute> = {}): string[] {
    const name = `${this.cell.node.name}/unrolled${this.nodes.length}`;
    const values = Array.from({ length: outputs }, (_, i) => `${name}:${i}`);
    const known = new Map(Object.entries(attributes));
    this.nodes.push({ name, op, domain: '', inputs, outputs: values, attributes: known });
    return values;
  }

  one(op: string, ...inputs: readonly string[]): string {
    return this.emit(op, inputs)[0];
  }

  constant(part: string, tensor: Tensor): string {
    const name = `${this.cell.node.name}/unrolled.${part}`;
    this.constants.set(name, tensor);
    return name;
  }

  /** weight value + bias at time t, in gates. */
  product(suffix: string, t: number, value: string, constants: readonly string[]): readonly string[] {
    const layer = `${this.cell.node.name}${suffix}`;
    const name = `${layer}${timeSuffix}${t}`;
    this.layerOf.set(name, layer);
    this.nodes.push({
      ...{ name, op: 'Linear', domain: 'kerf', attributes: new Map() },
      inputs: [value, ...constants],
      outputs: [name],
    });
    return this.emit('Split', [name], this.cell.gates, { axis: -1 });
  }

  /** [1, rows, columns] and half of the biases as constants of a product. */
  matrix(part: string, { data, dims }: Tensor<'float32'>, half: number): readonly string[] {
    const { B, gates, H } = this.cell;
    const bias = B ? B.data.slice(half * gates * H, (half + 1) * gates * H) : new Float32Array(gates * H);
    return [
      this.constant(part, new Tensor('float32', data, dims.slice(1))),
      this.constant(`${part}.bias`, new Tensor('float32', bias, [gates * H])),
    ];
  }

  /** The state behind one time. */
  step(own: readonly string[], back: readonly string[], h: string, c: string): { h: string; c: string } {
    const sum = (gate: number) => this.one('Add', own[gate], back[gate]);
    const gate = (which: number) => this.one('Sigmoid', sum(which));
    if (this.cell.node.op === 'LSTM') {
      const [input, output, forget] = [gate(0), gate(1), gate(2)];
      const fresh = this.one('Mul', input, this.one('Tanh', sum(3)));
      const cell = this.one('Add', this.one('Mul', forget, c), fresh);
      return { h: this.one('Mul', output, this.one('Tanh', cell)), c: cell };
    }
    const [update, reset] = [gate(0), gate(1)];
    const fresh = this.one('Tanh', this.one('Add', own[2], this.one('Mul', reset, back[2])));
    return { h: this.one('Add', fresh, this.one('Mul', update, this.one('Sub', h, fresh))), c };
  }

  run(T: number, opset: number): void {
    const { node, W, R, isReverse } = this.cell;
    const [inputs, state] = [this.matrix('inputs', W, 0), this.matrix('state', R, 1)];
    const first = this.constant('first', new Tensor('int64', BigInt64Array.of(0n), []));
    const hs: string[] = new Array(T);
    let [h, c] = ['', ''];
    for (let s = 0; s < T; s++) {
      const t = isReverse ? T - 1 - s : s;
      const at = this.constant(`time${t}`, new Tensor('int64', BigInt64Array.of(BigInt(t)), []));
      const own = this.product(inputsSuffix, t, this.one('Gather', node.inputs[0], at), inputs);
      if (s === 0) {
        const zeros = this.one('Sub', own[0], own[0]);
        [h, c] = [5, 6].map((i) => (node.inputs[i] ? this.one('Gather', node.inputs[i], first) : zeros));
      }
      ({ h, c } = this.step(own, this.product(stateSuffix, t, h, state), h, c));
      hs[t] = h;
    }
    this.#results(hs, h, c, opset);
  }

  /** Y [T, 1, B, H], Y_h and Y_c [1, B, H], as far as they are read. */
  #results(hs: readonly string[], h: string, c: string, opset: number): void {
    const [y, last, cell] = this.cell.node.outputs;
    const lift = (value: string, axes: readonly number[]) => {
      if (opset < 13) return this.emit('Unsqueeze', [value], 1, { axes })[0];
      const name = this.constant(
        `axes${axes.length}`,
        new Tensor('int64', BigInt64Array.from(axes, BigInt), [axes.length]),
      );
      return this.one('Unsqueeze', value, name);
    };
    const name = (output: string, op: string, inputs: readonly string[], attributes: Record<string, Attribute>) => {
      const made = new Map(Object.entries(attributes));
      this.nodes.push({ name: output, op, domain: '', inputs, outputs: [output], attributes: made });
    };
    if (y)
      name(
        y,
        'Concat',
        hs.map((value) => lift(value, [0, 1])),
        { axis: 0 },
      );
    if (last) name(last, 'Identity', [lift(h, [0])], {});
    if (cell) name(cell, 'Identity', [lift(c, [0])], {});
  }
}

/** The graph with every cell of known length written out; itself where there is none. */
export function unrollRecurrences(graph: Graph): Unrolled {
  const cells = graph.nodes.flatMap((node) => cellOf(graph, node) ?? []);
  if (cells.length === 0) return { graph, layerOf: new Map() };
  const facts = inferFacts(graph);
  const layerOf = new Map<string, string>();
  const constants = new Map(graph.initializers);
  const written = new Map<Node, readonly Node[]>();
  for (const cell of cells) {
    const T = facts.get(cell.node.inputs[0])?.shape[0];
    if (T === undefined || !isStatic(T) || T < 1 || T > mostTimes) continue;
    const unroller = new Unroller(cell);
    unroller.run(T, graph.opset);
    written.set(cell.node, unroller.nodes);
    for (const [name, tensor] of unroller.constants) constants.set(name, tensor);
    for (const [name, layer] of unroller.layerOf) layerOf.set(name, layer);
  }
  const nodes = graph.nodes.flatMap((node) => written.get(node) ?? [node]);
  return { graph: removeDead({ ...graph, nodes, initializers: constants }), layerOf };
}
