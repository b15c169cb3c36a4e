/**
 * Writes a layer as blocks and a bus, in operators that every runtime has:
 *
 *     x ─┬─ Linear V ───────────────────────── z [r] ──┬─ ...
 *        └─ Split ─┬─ x_1 ─ Concat (x_1, z) ─ Linear [B_1 | U_1] ─┐
 *                  ├─ ...                                         ├─ Concat ─▶ y
 *                  └─ x_k ─ Concat (x_k, z) ─ Linear [B_k | U_k] ─┘
 *
 * Where each next layer is split alike, part p reads nothing of the others but z. Columns that do not stand block by
 * block are gathered first.
 */
import type { Attribute, Graph, Node } from '../graph/graph.js';
import { Tensor } from '../runtime/tensor.js';
import type { BlockFit } from './blocks.js';
import type { Matrix } from './matrix.js';
import type { Span } from './matrix-parts.js';
import { freshName, innerSuffix, type Linear, narrow, narrowBias, replaceNode } from './rewrite.js';
import { sliceNode } from './slice.js';

/** Follows a layer's name and precedes a block's number. */
export const blockSuffix = '/block';

/** First operator set in which Split takes its sizes as an input. */
const sizesAsInput = 13;

class Writer {
  readonly nodes: Node[] = [];
  readonly constants: (readonly [string, Tensor])[] = [];

  constructor(
    readonly graph: Graph,
    readonly linear: Linear,
  ) {}

  /** A name that neither the graph nor this writer has used. */
  name(suffix: string): string {
    return freshName(this.graph, `${this.linear.name}${suffix}`);
  }

  constant(suffix: string, tensor: Tensor): string {
    const name = this.name(suffix);
    this.constants.push([name, tensor]);
    return name;
  }

  linearNode(suffix: string, input: string, weight: Tensor<'float32'>, bias: Tensor<'float32'> | null): string {
    const inputs = [input, this.constant(`${suffix}.weight`, weight)];
    if (bias) inputs.push(this.constant(`${suffix}.bias`, bias));
    const name = this.name(suffix);
    this.nodes.push({ name, op: 'Linear', domain: 'kerf', inputs, outputs: [name], attributes: new Map() });
    return name;
  }

  split(value: string, sizes: readonly number[]): readonly string[] {
    const outputs = sizes.map((_, p) => this.name(`/input${p}`));
    const isInput = this.graph.opset >= sizesAsInput;
    const lengths = new Tensor('int64', BigInt64Array.from(sizes, BigInt), [sizes.length]);
    this.nodes.push({
      name: this.name('/split'),
      op: 'Split',
      domain: '',
      inputs: isInput ? [value, this.constant('/sizes', lengths)] : [value],
      outputs,
      attributes: new Map<string, Attribute>(
        isInput
          ? [['axis', -1]]
          : [
              ['axis', -1],
              ['split', sizes],
            ],
      ),
    });
    return outputs;
  }

  /** One slice for each span. */
  slices(spans: readonly Span[]): readonly string[] {
    return spans.map((span, p) => {
      const name = this.name(`/input${p}`);
      const { node, constants } = sliceNode(this.graph, name, this.linear.input, span);
      this.nodes.push(node);
      this.constants.push(...constants);
      return name;
    });
  }

  /** The inputs of each block: pieces of rows that stay where they are, as far as columns stand side by side. */
  pieces(columns: readonly Int32Array[]): readonly string[] {
    const spans = columns.map(spanOf);
    const sizes = columns.map(({ length }) => length);
    const { input, weight } = this.linear;
    if (!spans.every((span) => span !== null)) {
      const order = Int32Array.from(columns.flatMap((own) => [...own]));
      return this.split(this.gather('/columns', input, order), sizes);
    }
    const areTiles = spans.every(([first], p) => first === (p === 0 ? 0 : spans[p - 1][1]));
    const isWhole = spans[spans.length - 1][1] === weight.dims[1];
    return areTiles && isWhole ? this.split(input, sizes) : this.slices(spans);
  }

  /** The columns at `order` of a value. */
  gather(suffix: string, value: string, order: Int32Array, output = this.name(suffix)): string {
    const data = BigInt64Array.from(order, BigInt);
    const indices = this.constant(`${suffix}.indices`, new Tensor('int64', data, [order.length]));
    const name = this.name(suffix);
    const attributes = new Map([['axis', -1]]);
    this.nodes.push({ name, op: 'Gather', domain: '', inputs: [value, indices], outputs: [output], attributes });
    return output;
  }

  concat(suffix: string, inputs: readonly string[], output = this.name(suffix)): string {
    this.nodes.push({
      name: this.name(suffix),
      op: 'Concat',
      domain: '',
      inputs,
      outputs: [output],
      attributes: new Map([['axis', -1]]),
    });
    return output;
  }
}

/** [B_p | U_p], the rows of block p. */
function besideBus(block: Matrix, outer: Matrix, firstRow: number): Matrix {
  const columns = block.columns + outer.columns;
  const data = new Float64Array(block.rows * columns);
  for (let i = 0; i < block.rows; i++) {
    data.set(block.data.subarray(i * block.columns, (i + 1) * block.columns), i * columns);
    const row = (firstRow + i) * outer.columns;
    data.set(outer.data.subarray(row, row + outer.columns), i * columns + block.columns);
  }
  return { rows: block.rows, columns, data };
}

/** The columns as one span; null where they do not stand side by side. */
function spanOf(columns: Int32Array): Span | null {
  const isSpan = columns.length > 0 && columns.every((j, at) => j === columns[0] + at);
  return isSpan ? [columns[0], columns[0] + columns.length] : null;
}

/**
 * Replaces a linear layer by its blocks and bus.
 * @param restore  where each of the layer's outputs stands among those of the blocks; null where they are in order
 */
export function withBlocks(
  graph: Graph,
  linear: Linear,
  { blocks, bus, rows, columns }: BlockFit,
  restore: Int32Array | null = null,
): Graph {
  const writer = new Writer(graph, linear);
  const hasBus = bus.inner.rows > 0;
  const z = hasBus ? writer.linearNode(innerSuffix, linear.input, narrow(bus.inner), null) : '';
  const parts = writer.pieces(columns);
  const outputs = blocks.map((block, p) => {
    const [first, end] = rows[p];
    const weight = narrow(besideBus(block, bus.outer, first));
    const bias = narrowBias(bus.bias.subarray(first, end));
    const input = hasBus ? writer.concat(`${blockSuffix}${p}/input`, [parts[p], z]) : parts[p];
    return writer.linearNode(`${blockSuffix}${p}`, input, weight, bias);
  });
  const joined = writer.concat('/concat', outputs, restore ? undefined : linear.output);
  if (restore) writer.gather('/order', joined, restore, linear.output);
  return replaceNode(graph, linear.name, writer.nodes, writer.constants);
}
