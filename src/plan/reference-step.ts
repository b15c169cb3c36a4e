/**
 * Reference steps: nodes without kernels, written into a plan as data and evaluated by the operator's TypeScript.
 *
 *     params: op, domain, opset,
 *             inputs, outputs   json: for each of the node's, whether it is present; reads and writes are the present ones
 *             attributes        json: [name, value] pairs
 *             readShapes, writeShapes   json: shapes of the operands, as extents
 */
import type { Attribute, Fact, Node } from '../graph/graph.js';
import { guarded, nodeError } from '../graph/operators/attributes.js';
import { findOperator } from '../graph/operators/index.js';
import { factsOf } from '../graph/operators/reshape.js';
import { formatShape } from '../graph/operators/shapes.js';
import { equals, product } from '../runtime/extent.js';
import { describe, readCount, readDtype, readFields, readList, readString } from '../runtime/format/schema.js';
import { invalidPackage } from '../runtime/invalid-package.js';
import type { Step, StepParam } from '../runtime/plan.js';
import { allocate, type DType, Tensor, type TensorData } from '../runtime/tensor.js';

/** An attribute as JSON: numbers that JSON cannot hold are written as text. */
type Json =
  | string
  | number
  | readonly Json[]
  | { readonly number: string }
  | { readonly integer: string }
  | { readonly tensor: { readonly dtype: DType; readonly dims: readonly number[]; readonly data: readonly string[] } };

function encode(node: Node, value: Attribute): Json {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : { number: String(value) };
  if (typeof value === 'bigint') return { integer: String(value) };
  if (value instanceof Tensor) {
    const data = Array.from(value.data as ArrayLike<number | bigint>, String);
    return { tensor: { dtype: value.type, dims: value.dims, data } };
  }
  if (Array.isArray(value)) return value.map((entry) => encode(node, entry));
  throw nodeError('OPERATOR_UNSUPPORTED', node, 'a subgraph in an attribute: got a graph, expected a value.');
}

/** Most entries of a list in a step's params. */
const mostEntries = 2 ** 20;

/** A whole number in decimal digits, of 64 bits. */
function readInteger(value: unknown, where: string): bigint {
  if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) return BigInt(value);
  throw invalidPackage(where, `a whole number: got ${describe(value)}`);
}

function readTensor(value: unknown, where: string): Tensor {
  const fields = readFields(value, where, ['dtype', 'dims', 'data']);
  const dtype = readDtype(fields['dtype'], where);
  const dims = readList(fields['dims'], where, 16, readCount);
  const texts = readList(fields['data'], where, mostEntries, readString);
  const elements = allocate(dtype, texts.length);
  const isWide = elements instanceof BigInt64Array || elements instanceof BigUint64Array;
  texts.forEach((text, i) => {
    if (isWide) (elements as BigInt64Array)[i] = readInteger(text, where);
    else (elements as Float32Array)[i] = Number(text);
  });
  return new Tensor(dtype, elements as TensorData, dims);
}

/** The inverse of {@link encode}, of a form that is not trusted. */
function decode(json: unknown, where: string): Attribute {
  if (typeof json === 'number') return json;
  if (typeof json === 'string') return readString(json, where);
  if (Array.isArray(json)) return readList(json, where, mostEntries, decode) as readonly number[];
  const { number, integer, tensor } = readFields(json, where, [], ['number', 'integer', 'tensor']);
  if (number !== undefined) return Number(number);
  if (integer !== undefined) return readInteger(integer, where);
  return readTensor(tensor, where);
}

/** Params of the step that stands for a node. */
export function referenceParams(
  node: Node,
  opset: number,
  inputs: readonly (Fact | undefined)[],
  outputs: readonly (Fact | undefined)[],
): Readonly<Record<string, StepParam>> {
  const shapesOf = (facts: readonly (Fact | undefined)[]) => facts.flatMap((fact) => (fact ? [fact.shape] : []));
  return {
    op: node.op,
    domain: node.domain,
    opset,
    inputs: { json: inputs.map((fact) => fact !== undefined) },
    outputs: { json: outputs.map((fact) => fact !== undefined) },
    attributes: { json: [...node.attributes].map(([name, value]) => [name, encode(node, value)]) },
    readShapes: { json: shapesOf(inputs) },
    writeShapes: { json: shapesOf(outputs) },
  };
}

/** Which of a node's inputs or outputs are present: as many as the step has operands. */
function readPresence(step: Step, name: 'inputs' | 'outputs', operands: number, where: string): boolean[] {
  const list = readList(jsonOf(step, name), where, 64, (entry) => entry === true);
  if (list.filter((isPresent) => isPresent).length === operands) return list;
  throw invalidPackage(where, `${name}: got ${describe(list)}, expected ${operands} that are present`);
}

const jsonOf = (step: Step, name: string): unknown =>
  (step.params[name] as { readonly json?: unknown } | undefined)?.json;

/** The node that a step stands for, and its operator's opset; nothing in the params is trusted. */
export function readNode(
  step: Step,
  where: string,
): { node: Node; opset: number; isInput: boolean[]; isOutput: boolean[] } {
  const { op, domain, opset } = step.params;
  const isInput = readPresence(step, 'inputs', step.reads.length, where);
  const isOutput = readPresence(step, 'outputs', step.writes.length, where);
  const attributes = readList(jsonOf(step, 'attributes'), where, 256, (entry, at): [string, Attribute] => {
    const [name, value] = readList(entry, at, 2, (part) => part);
    return [readString(name, at), decode(value, at)];
  });
  const named = { op: readString(op, where), domain: readString(domain, where) };
  const outputs = isOutput.map((isPresent, index) => (isPresent ? String(index) : ''));
  const node = { name: step.node ?? named.op, ...named, inputs: [], outputs, attributes: new Map(attributes) };
  return { node, opset: readCount(opset, where), isInput, isOutput };
}

/** Refuses what would not fill the plan's buffers, before anything of its size is made. */
function requireOutputs(node: Node, facts: readonly Fact[], outputs: readonly Pick<Tensor, 'type' | 'dims'>[]): void {
  outputs.forEach(({ type, dims }, i) => {
    const fact = facts[i];
    if (fact?.dtype === type && equals(product(fact.shape), product(dims))) return;
    const got = fact ? `${fact.dtype} ${formatShape(fact.shape)}` : 'none';
    throw nodeError(
      'PACKAGE_INVALID',
      node,
      `output ${i}: got ${got}, expected ${type} [${dims}]. Build the package again.`,
    );
  });
}

/**
 * Evaluates a reference step: what a session gives its executor as `runReference`.
 * @param inputs  one tensor for each of `step.reads`
 * @param outputs  dtype and shape that the plan has for each of `step.writes`
 * @returns one tensor for each of `step.writes`
 * @throws OPERATOR_UNSUPPORTED when this version does not know the operator; DATA_INVALID for values it cannot take;
 *   PACKAGE_INVALID for params of another form, and where the outputs are not the plan's
 */
export function runReference(
  step: Step,
  inputs: readonly Tensor[],
  outputs: readonly Pick<Tensor, 'type' | 'dims'>[],
): readonly Tensor[] {
  const { node, opset, isInput, isOutput } = readNode(
    step,
    step.node === undefined ? 'reference step' : `node "${step.node}"`,
  );
  const operator = findOperator(node, opset);
  if (!operator) throw nodeError('OPERATOR_UNSUPPORTED', node, `unknown in opset ${opset}. Use a newer kerf.`);
  const rest = [...inputs];
  const operands = isInput.map((isPresent) => (isPresent ? rest.shift() : undefined));
  const isWanted = (_: unknown, index: number) => isOutput[index];
  const infer = () => operator.infer(node, factsOf(operands), opset);
  requireOutputs(node, guarded(node, 'DATA_INVALID', infer).filter(isWanted), outputs);
  return guarded(node, 'DATA_INVALID', () => operator.evaluate(node, operands, opset)).filter(isWanted);
}
