/**
 * Writes a layer as blocks and a bus, in operators that every runtime has:
 *
 *     x ─┬─ Linear V ───────────────────────── z [r] ──┬─ ...
 *        └─ Split ─┬─ x_1 ─ Concat (x_1, z) ─ Linear [B_1 | U_1] ─┐
 *                  ├─ ...                                         ├─ Concat ─▶ y
 *                  └─ x_k ─ Concat (x_k, z) ─ Linear [B_k | U_k] ─┘
 *
 * Where each next layer is split alike, part p reads nothing of the others but z. Spans that overlap are slices of x.
 */
import type { Attribute, Graph, Node } from '../graph/graph.js';
import { Tensor } from '../runtime/tensor.js';
import type { BlockFit } from './blocks.js';
import type { Matrix } from './matrix.js';
import type { Span } from './matrix-parts.js';
import { freshName, innerSuffix, type Linear, narrow, narrowBias, replaceNode } from './rewrite.js';

/** Follows a layer's name and precedes a block's number. */
export const blockSuffix = '/block';

/** First operator set in which Split takes its sizes as an input. */
const sizesAsInput = 13;

/** First operator set in which Slice takes its ranges as inputs. */
const rangesAsInputs = 10;

class Writer {
  readonly nodes: Node[] = [];
  readonly constants: [string, Tensor][] = [];

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

  split(sizes: readonly number[]): readonly string[] {
    const outputs = sizes.map((_, p) => this.name(`/input${p}`));
    const { graph, linear } = this;
    const isInput = graph.opset >= sizesAsInput;
    const lengths = new Tensor('int64', BigInt64Array.from(sizes, BigInt), [sizes.length]);
    this.nodes.push({
      name: this.name('/split'),
      op: 'Split',
      domain: '',
      inputs: isInput ? [linear.input, this.constant('/sizes', lengths)] : [linear.input],
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

  /** One slice for each span, where they overlap. */
  slices(spans: readonly Span[]): readonly string[] {
    return spans.map(([first, end], p) => {
      const name = this.name(`/input${p}`);
      const bounds: readonly (readonly [string, number])[] = [
        ['starts', first],
        ['ends', end],
        ['axes', -1],
      ];
      const areInputs = this.graph.opset >= rangesAsInputs;
      const given = bounds.map(([key, value]) =>
        areInputs ? this.constant(`/input${p}.${key}`, new Tensor('int64', BigInt64Array.of(BigInt(value)), [1])) : '',
      );
      this.nodes.push({
        name,
        op: 'Slice',
        domain: '',
        inputs: areInputs ? [this.linear.input, ...given] : [this.linear.input],
        outputs: [name],
        attributes: new Map<string, Attribute>(areInputs ? [] : bounds.map(([key, value]) => [key, [value]])),
      });
      return name;
    });
  }

  /** The columns at `order` of a value. */
  gather(value: string, order: Int32Array, output: string): void {
    const indices = this.constant('/order', new Tensor('int64', BigInt64Array.from(order, BigInt), [order.length]));
    const name = this.name('/gather');
    const attributes = new Map([['axis', -1]]);
    this.nodes.push({ name, op: 'Gather', domain: '', inputs: [value, indices], outputs: [output], attributes });
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

/** Whether spans follow each other without a gap. */
function areTiles(spans: readonly Span[], n: number): boolean {
  return spans.every(([first], p) => first === (p === 0 ? 0 : spans[p - 1][1])) && spans[spans.length - 1][1] === n;
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
  const parts = areTiles(columns, linear.weight.dims[1])
    ? writer.split(columns.map(([first, end]) => end - first))
    : writer.slices(columns);
  const outputs = blocks.map((block, p) => {
    const [first, end] = rows[p];
    const weight = narrow(besideBus(block, bus.outer, first));
    const bias = narrowBias(bus.bias.subarray(first, end));
    const input = hasBus ? writer.concat(`${blockSuffix}${p}/input`, [parts[p], z]) : parts[p];
    return writer.linearNode(`${blockSuffix}${p}`, input, weight, bias);
  });
  const joined = writer.concat('/concat', outputs, restore ? undefined : linear.output);
  if (restore) writer.gather(joined, restore, linear.output);
  return replaceNode(graph, linear.name, writer.nodes, writer.constants);
}
