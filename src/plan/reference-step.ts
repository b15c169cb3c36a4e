/**
 * Reference steps: nodes without kernels, written into a plan as data and evaluated by the operator's TypeScript.
 *
 *     params: op, domain, opset,
 *             inputs, outputs   json: for each of the node's, whether it is present; reads and writes are the present ones
 *             attributes        json: [name, value] pairs
 *             readShapes, writeShapes   json: shapes of the operands, as extents
 */
import type { Attribute, Fact, Node } from '../graph/graph.js';
import { nodeError } from '../graph/operators/attributes.js';
import { findOperator } from '../graph/operators/index.js';
import { KerfError } from '../runtime/errors.js';
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

function decode(json: Json): Attribute {
  if (typeof json === 'string' || typeof json === 'number') return json;
  if (Array.isArray(json)) return json.map(decode) as readonly number[];
  if ('number' in json) return Number(json.number);
  if ('integer' in json) return BigInt(json.integer);
  if ('tensor' in json) {
    const { dtype, dims, data } = json.tensor;
    const elements = allocate(dtype, data.length);
    const isWide = elements instanceof BigInt64Array || elements instanceof BigUint64Array;
    data.forEach((text, i) => {
      if (isWide) (elements as BigInt64Array)[i] = BigInt(text);
      else (elements as Float32Array)[i] = Number(text);
    });
    return new Tensor(dtype, elements as TensorData, dims);
  }
  throw new KerfError('PACKAGE_INVALID', 'reference step', 'an attribute of unknown form. Build the package again.');
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

function jsonOf<T>(step: Step, name: string): T {
  return (step.params[name] as { readonly json: T }).json;
}

/**
 * Evaluates a reference step: what a session gives its executor as `runReference`.
 * @param inputs  one tensor for each of `step.reads`
 * @returns one tensor for each of `step.writes`
 * @throws OPERATOR_UNSUPPORTED when this version does not know the operator; DATA_INVALID for values it cannot take
 */
export function runReference(step: Step, inputs: readonly Tensor[]): readonly Tensor[] {
  const attributes = jsonOf<readonly (readonly [string, Json])[]>(step, 'attributes');
  const isOutput = jsonOf<readonly boolean[]>(step, 'outputs');
  const opset = Number(step.params['opset']);
  const node: Node = {
    name: step.node ?? String(step.params['op']),
    op: String(step.params['op']),
    domain: String(step.params['domain']),
    inputs: [],
    outputs: isOutput.map((isPresent, index) => (isPresent ? String(index) : '')),
    attributes: new Map(attributes.map(([name, json]) => [name, decode(json)])),
  };
  const operator = findOperator(node, opset);
  if (!operator) throw nodeError('OPERATOR_UNSUPPORTED', node, `unknown in opset ${opset}. Use a newer kerf.`);
  const rest = [...inputs];
  const operands = jsonOf<readonly boolean[]>(step, 'inputs').map((isPresent) =>
    isPresent ? rest.shift() : undefined,
  );
  return operator.evaluate(node, operands, opset).filter((_, index) => isOutput[index]);
}
