/** The network of a plan as a graph of standard ONNX: each step becomes the nodes that compute the same. */
import type { Graph } from '../../graph/graph.js';
import { readNode } from '../../plan/reference-step.js';
import { KerfError } from '../../runtime/errors.js';
import { type Extent, product } from '../../runtime/extent.js';
import type { Plan } from '../../runtime/plan.js';
import { referenceKind } from '../../runtime/reference.js';
import { type Conversion, Converter } from './converter.js';
import {
  binary,
  cast,
  copy,
  embeddingBag,
  fill,
  gather,
  gatherColumns,
  reduce,
  select,
  softmax,
  unary,
} from './elements.js';
import { GraphWriter } from './graph-writer.js';
import { gemm, gemmInt8, pack, requantize } from './linear.js';
import { Memory } from './memory.js';
import { gru, lstm } from './recurrent.js';
import { attention, conv, pool } from './windows.js';

/** The operator set that the conversions write: the first with all that they need. */
const opset = 13;

/** A node of its own; its attributes mean what they mean in its operator set. */
const reference: Conversion = (step) => {
  const { node, isInput, isOutput } = readNode(step.step, `step ${step.index}`);
  const shapes = (name: string) => (step.params[name] as { json: Extent[][] }).json;
  let [read, write] = [0, 0];
  const inputs = isInput.map((isPresent) => (isPresent ? step.read(read, shapes('readShapes')[read++]) : null));
  const outputs = isOutput.map((isPresent) => (isPresent ? shapes('writeShapes')[write++] : null));
  const values = step.writer.push(
    node.op,
    inputs,
    'float32',
    outputs,
    Object.fromEntries(node.attributes),
    node.domain,
  );
  const present = values.filter((_, i) => isOutput[i]);
  step.step.writes.forEach((operand, i) => {
    step.write(i, { ...present[i], dtype: step.memory.dtypeOf(operand) });
  });
};

const conversions: Readonly<Record<string, Conversion>> = {
  ...{
    gemm,
    pack,
    unary,
    binary,
    select,
    reduce,
    softmax,
    copy,
    gather,
    cast,
    fill,
    conv,
    pool,
    lstm,
    gru,
    requantize,
    attention,
  },
  ...{
    'gather-columns': gatherColumns,
    'embedding-bag': embeddingBag,
    'gemm-int8': gemmInt8,
    [referenceKind]: reference,
  },
};

/** The operator set of a plan's reference steps, which are nodes of it. */
function opsetOf({ steps }: Plan): number {
  const own = steps.filter(({ kind }) => kind === referenceKind).map(({ params }) => Number(params['opset']));
  const oldest = Math.min(opset, ...own);
  if (oldest === opset) return Math.max(opset, ...own);
  throw new KerfError(
    'OPERATOR_UNSUPPORTED',
    'package',
    `it has nodes of operator set ${oldest}: got ${oldest}, expected at least ${opset}. Write the network by decompose --onnx.`,
  );
}

/**
 * Converts a plan, whose steps work on numbered buffers, to a graph of ONNX's operators, whose nodes give values.
 * Of a cascade it is the decomposed network alone. int8 weights become the numbers that they stand for: rows of inputs are
 * not rounded, so answers differ in last digits.
 * @param plan  checked
 * @returns a graph with the plan's inputs, outputs and weights
 * @throws OPERATOR_UNSUPPORTED naming a step that ONNX cannot say
 * @complexity O(steps + elements of the weights)
 */
export function graphOfPlan(plan: Plan): Graph {
  const writer = new GraphWriter(plan, opsetOf(plan));
  const memory = new Memory(plan, writer);
  plan.steps.forEach((step, index) => {
    conversions[step.kind](new Converter(step, index, memory, writer));
  });
  const outputs = plan.outputs.map(({ shape, buffer }) =>
    writer.reshape(memory.readAll({ buffer }, product(shape)), shape),
  );
  return writer.graph(outputs);
}
