/** The TensorFlow graph inside a tfjs model.json. */
import { KerfError } from '../runtime/errors.js';
import type { Tensor } from '../runtime/tensor.js';
import { tooLarge } from './dimensions.js';
import { arrayMember, member, stringMember } from './json.js';
import type { ModelLimits } from './limits.js';
import { quote } from './quote.js';
import { duplicateName } from './scope.js';
import type { TfjsWeights } from './tfjs-weights.js';

export interface TfNode {
  readonly name: string;
  readonly op: string;
  /** References: `node` for its first output, `node:1` for its second; control inputs are left out. */
  readonly inputs: readonly string[];
  /** `attr` of the file: each value is an object like `{ "b": true }`. */
  readonly attributes: unknown;
}

/** `node:0` and `node` are the same output. */
export function reference(text: string): string {
  return text.endsWith(':0') ? text.slice(0, -2) : text;
}

export class TfGraph {
  readonly nodes = new Map<string, TfNode>();

  constructor(
    topology: unknown,
    readonly weights: TfjsWeights,
    limits: ModelLimits,
  ) {
    const nodes = arrayMember(topology, 'node', 'modelTopology');
    if (nodes.length > limits.maxNodes)
      throw tooLarge('modelTopology', 'number of nodes', nodes.length, limits.maxNodes);
    for (const entry of nodes) {
      const name = stringMember(entry, 'name', 'node');
      const where = `node ${quote(name)}`;
      if (this.nodes.has(name)) throw duplicateName('modelTopology', name);
      const inputs = arrayMember(entry, 'input', where).map((input) => reference(String(input)));
      const op = stringMember(entry, 'op', where);
      const data = inputs.filter((input) => !input.startsWith('^'));
      this.nodes.set(name, { name, op, inputs: data, attributes: member(entry, 'attr') });
    }
  }

  /** The node whose first output `ref` is, if its op is one of `ops`. */
  node(ref: string | undefined, ...ops: string[]): TfNode | undefined {
    const found = ref === undefined ? undefined : this.nodes.get(ref);
    return found && ops.includes(found.op) ? found : undefined;
  }

  /** The node that makes `ref`, whichever output it is. @throws MODEL_INVALID when there is none */
  maker(ref: string): TfNode {
    const found = this.nodes.get(ref.replace(/:\d+$/, ''));
    if (!found) throw new KerfError('MODEL_INVALID', 'modelTopology', `nothing makes the tensor ${quote(ref)}.`);
    return found;
  }

  /** The stored value of a Const node. */
  constant(ref: string | undefined): Tensor | undefined {
    return this.node(ref, 'Const') && this.weights.tensors.get(ref as string);
  }

  /** Elements of a small integer constant. */
  integers(ref: string | undefined): number[] | undefined {
    const tensor = this.constant(ref);
    return tensor && Array.from(tensor.data as Int32Array, Number);
  }

  strings(ref: string | undefined): readonly string[] | undefined {
    return this.node(ref, 'Const') && this.weights.strings.get(ref as string);
  }
}

/** An attribute by its kind: `b` bool, `i` integer (text in the file), `s` base64 text, `type`. */
export function attribute(node: TfNode, name: string, kind: 'b' | 'i' | 's' | 'type'): unknown {
  const value = member(member(node.attributes, name), kind);
  if (kind === 's') return typeof value === 'string' ? decodeText(value) : undefined;
  return kind === 'i' && value !== undefined ? Number(value) : value;
}

/** A list of texts, e.g. `fused_ops`. */
export function textsAttribute(node: TfNode, name: string): string[] {
  const list = member(member(node.attributes, name), 'list');
  return arrayMember(list, 's', `node ${quote(node.name)}`).map((text) => decodeText(String(text)));
}

function decodeText(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
