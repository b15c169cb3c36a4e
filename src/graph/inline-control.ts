/**
 * Resolves control flow and sequences before a network is planned, where conditions, counts and positions are known
 * then: the branch that an If takes and the turns of a Loop or Scan stand in the graph as plain nodes, and a sequence
 * is a list of value names that its readers use directly.
 *
 *     If(true, A, B)          ─▶  the nodes of A
 *     Loop(3, body)           ─▶  body, body, body              values renamed in each
 *     SequenceAt(s, 1)        ─▶  the second value of s
 *
 * Operators that stand for several are written out on the way, also inside of bodies, see fused/.
 */
import { Tensor } from '../runtime/tensor.js';
import { isFused, writeFused } from './fused/index.js';
import type { Graph, Node } from './graph.js';
import { GraphMaker } from './graph-maker.js';
import { guarded, integerOf, integersOf, nodeError } from './operators/attributes.js';
import { int64Tensor } from './operators/constant.js';
import { toNumbers } from './operators/elements.js';
import { renamedBody } from './rename-body.js';
import { isResolved } from './resolved.js';
import { type SequenceTools, sequenceResult } from './sequences.js';

/** Most turns of one loop. */
const maximumTurns = 1024;

function bodyOf(node: Node, name: string): Graph {
  const value = node.attributes.get(name);
  if (typeof value === 'object' && 'nodes' in value) return value;
  throw nodeError('MODEL_INVALID', node, `attribute "${name}": got none, expected a graph.`);
}

class Inliner extends GraphMaker implements SequenceTools {
  readonly #sequences = new Map<string, readonly string[]>();

  run(): Graph {
    for (const node of this.graph.nodes) guarded(node, 'MODEL_INVALID', () => this.#take(node));
    return this.made();
  }

  sequence(node: Node, value: string): readonly string[] {
    const list = this.#sequences.get(value);
    if (list) return list;
    throw nodeError(
      'DTYPE_UNSUPPORTED',
      node,
      `input "${value}": got a tensor, expected a sequence made in the model.`,
    );
  }

  #take(node: Node): void {
    if (isFused(node, this.opset)) writeFused(node, this);
    else if (!isResolved(node)) {
      if (node.inputs.some((value) => this.#sequences.has(value)) && node.op === 'Identity') {
        this.#sequences.set(node.outputs[0], this.#sequences.get(node.inputs[0])!);
      } else this.push(node);
    } else if (node.op === 'If') this.#branch(node);
    else if (node.op === 'Loop') this.#loop(node);
    else if (node.op === 'Scan') this.#scan(node);
    else {
      const list = sequenceResult(node, this);
      if (list) this.#sequences.set(node.outputs[0], list);
    }
  }

  /** Inlines a body whose inputs are the given values; returns the names of its results. */
  #body(node: Node, body: Graph, inputs: readonly string[]): readonly string[] {
    if (body.inputs.length !== inputs.length) {
      throw nodeError(
        'MODEL_INVALID',
        node,
        `inputs of the body: got ${body.inputs.length}, expected ${inputs.length}.`,
      );
    }
    const { nodes, constants, results } = renamedBody(body, inputs, (name) => this.fresh(`${node.name}/${name}`));
    for (const [name, tensor] of constants) this.define(name, tensor);
    for (const one of nodes) this.#take(one);
    return results;
  }

  /** Gives a value another name. */
  #alias(value: string, source: string): void {
    if (value === '') return;
    const list = this.#sequences.get(source);
    if (list) this.#sequences.set(value, list);
    else this.emit('Identity', [source], [value]);
  }

  #branch(node: Node): void {
    const condition = this.known(node, 0);
    if (!condition) throw nodeError('MODEL_INVALID', node, 'condition: got none, expected input 0.');
    const body = bodyOf(node, toNumbers(condition)[0] ? 'then_branch' : 'else_branch');
    const results = this.#body(node, body, []);
    for (const [i, value] of node.outputs.entries()) this.#alias(value, results[i]);
  }

  #loop(node: Node): void {
    const body = bodyOf(node, 'body');
    const count = this.known(node, 0);
    const turns = count ? toNumbers(count)[0] : Number.POSITIVE_INFINITY;
    const start = this.known(node, 1);
    let [isOn, condition] = [start ? toNumbers(start)[0] !== 0 : true, node.inputs[1] ?? ''];
    let states = node.inputs.slice(2);
    const scans: string[][] = body.outputs.slice(1 + states.length).map(() => []);
    for (let turn = 0; turn < turns && isOn; turn++) {
      if (turn >= maximumTurns) throw nodeError('MODEL_LIMIT', node, `turns: got more than ${maximumTurns}.`);
      const index = this.constant(`${node.name}:turn`, int64Tensor([turn], []));
      if (condition === '') condition = this.constant(`${node.name}:condition`, trueTensor());
      const [next, ...results] = this.#body(node, body, [index, condition, ...states]);
      states = results.slice(0, states.length);
      for (const [i, scan] of scans.entries()) scan.push(results[states.length + i]);
      condition = next;
      isOn = this.#isTrue(node, next);
    }
    node.outputs.forEach((value, i) => {
      if (i < states.length) this.#alias(value, states[i]);
      else if (value) this.#stack(node, value, scans[i - states.length]);
    });
  }

  #isTrue(node: Node, value: string): boolean {
    return toNumbers(this.known({ ...node, inputs: [value] }, 0)!)[0] !== 0;
  }

  /** Values put side by side along a new first axis. */
  #stack(node: Node, value: string, parts: readonly string[]): void {
    if (parts.length === 0) {
      throw nodeError('SHAPE_UNSUPPORTED', node, `output "${value}": got no turn, expected at least one.`);
    }
    const rows = parts.map((part) => this.unsqueezed(part, 0));
    this.emit('Concat', rows, [value], { axis: 0 });
  }

  /** States, then slices along axis 0 of the scanned inputs; before opset 9 all of them for each entry of a batch. */
  #scan(node: Node): void {
    const [scanned, isOld] = [integerOf(node, 'num_scan_inputs', 0), this.opset < 9];
    const lists = [
      'directions',
      'scan_input_axes',
      'scan_input_directions',
      'scan_output_axes',
      'scan_output_directions',
    ];
    const isPlain = lists.every((name) => (integersOf(node, name) ?? []).every((value) => value === 0));
    if (!isPlain || scanned < 1 || (isOld && node.inputs[0])) {
      throw nodeError(
        'OPERATOR_UNSUPPORTED',
        node,
        'form: got other axes, directions or lengths, expected axis 0, forward.',
        {
          operators: ['Scan'],
        },
      );
    }
    const inputs = isOld ? node.inputs.slice(1) : node.inputs;
    const results = isOld ? this.#scanBatch(node, inputs, scanned) : this.#scanOnce(node, inputs, scanned);
    for (const [i, value] of node.outputs.entries()) this.#alias(value, results[i]);
  }

  /** Results of one scan: the last states, then what each turn gave, stacked. */
  #scanOnce(node: Node, inputs: readonly string[], scanned: number): readonly string[] {
    const body = bodyOf(node, 'body');
    let states = inputs.slice(0, inputs.length - scanned);
    const sources = inputs.slice(inputs.length - scanned);
    const turns = this.sizeOf(node, sources[0], 0);
    if (turns > maximumTurns) throw nodeError('MODEL_LIMIT', node, `turns: got ${turns}, expected <= ${maximumTurns}.`);
    const scans: string[][] = body.outputs.slice(states.length).map(() => []);
    for (let turn = 0; turn < turns; turn++) {
      const slices = sources.map((source) => this.#entry(source, turn));
      const results = this.#body(node, body, [...states, ...slices]);
      states = results.slice(0, states.length);
      for (const [i, scan] of scans.entries()) scan.push(results[states.length + i]);
    }
    return [...states, ...scans.map((parts) => this.#stacked(node, parts))];
  }

  #scanBatch(node: Node, inputs: readonly string[], scanned: number): readonly string[] {
    const batch = Array.from({ length: this.sizeOf(node, inputs[0], 0) }, (_, b) => b);
    const rows = batch.map((b) =>
      this.#scanOnce(
        node,
        inputs.map((value) => this.#entry(value, b)),
        scanned,
      ),
    );
    return node.outputs.map((_, i) =>
      this.#stacked(
        node,
        rows.map((results) => results[i]),
      ),
    );
  }

  /** Entry `at` along the first axis. */
  #entry(value: string, at: number): string {
    const entry = this.fresh(`${value}:entry`);
    this.emit('Gather', [value, this.constant(`${entry}:at`, int64Tensor([at], []))], [entry], { axis: 0 });
    return entry;
  }

  #stacked(node: Node, parts: readonly string[]): string {
    const value = this.fresh(`${node.name}:stacked`);
    this.#stack(node, value, parts);
    return value;
  }
}

const trueTensor = () => new Tensor('bool', Uint8Array.of(1), []);

/**
 * The graph without control flow and sequences.
 * @throws SHAPE_UNSUPPORTED naming a condition, count or position that is not known; MODEL_LIMIT beyond the limits;
 *   what inference throws
 */
export function inlineControl(graph: Graph): Graph {
  const isPlain = graph.nodes.every((node) => !isResolved(node) && !isFused(node, graph.opset));
  return isPlain ? graph : new Inliner(graph).run();
}
