/**
 * The conformance cases of ONNX itself: every case whose operators and dtypes `kerf ops` lists must pass, as its file is
 * and with every size of its inputs left open.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type InferenceSession, KerfError, loadModel, type Model } from '../../src/index.js';
import { readTensorProto } from '../../src/model/index.js';
import { createSessionFromModel } from '../../src/pipeline.js';
import { symbol } from '../../src/runtime/extent.js';
import { type DType, Tensor } from '../../src/runtime/tensor.js';

const data = '/usr/share/libonnx-testdata/data';

const cutBfloat16 = 'its data cut the lower half of a float32 off; kerf rounds to the nearest, as onnx does by now';
const likeShape = 'its data give "like" the shape [1], its model [3, 4]';

/** Cases that cannot pass, and why. */
const expectedMisses: Readonly<Record<string, string>> = {
  'node/test_adam_multiple': 'its outputs follow from an epsilon of 0.01, which its node does not have',
  'node/test_cast_FLOAT_to_BFLOAT16': cutBfloat16,
  'node/test_castlike_FLOAT_to_BFLOAT16': likeShape,
  'node/test_castlike_FLOAT_to_BFLOAT16_expanded': likeShape,
  'node/test_castlike_BFLOAT16_to_FLOAT': likeShape,
  'node/test_castlike_BFLOAT16_to_FLOAT_expanded': likeShape,
  'node/test_training_dropout': 'drops at random, by the generator that made the file',
  'node/test_training_dropout_default': 'drops at random, by the generator that made the file',
  'node/test_training_dropout_default_mask': 'drops at random, by the generator that made the file',
  'node/test_training_dropout_mask': 'drops at random, by the generator that made the file',
};

/** Cases of each folder that pass, and why the others are not claimed: exact, so that none is lost to "skipped". */
const expected: Readonly<Record<string, { passed: number; unclaimed: Readonly<Record<string, number>> }>> = {
  node: {
    passed: 880,
    unclaimed: { Bernoulli: 3, RandomUniformLike: 3, string: 12, optional: 7, sequence: 17 },
  },
  simple: { passed: 15, unclaimed: { 'ai.onnx.preview.training.Gradient': 2, string: 6 } },
  'pytorch-operator': { passed: 35, unclaimed: {} },
  'pytorch-converted': { passed: 82, unclaimed: {} },
};

const [relative, absolute] = [1e-3, 1e-7];

function isClose(got: number, wanted: number, isFloat: boolean): boolean {
  if (Object.is(got, wanted) || got === wanted) return true;
  return isFloat && Math.abs(got - wanted) <= absolute + relative * Math.abs(wanted);
}

function halfToNumber(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? Number.NaN : (sign ? -1 : 1) * Number.POSITIVE_INFINITY;
  return (sign ? -1 : 1) * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
}

function elements(tensor: Tensor): number[] {
  const numbers = Array.from(tensor.data as ArrayLike<number | bigint>, Number);
  if (tensor.type === 'float16') return numbers.map(halfToNumber);
  // The upper half of a float32.
  if (tensor.type === 'bfloat16')
    return [...new Float32Array(Uint32Array.from(numbers, (bits) => bits * 65536).buffer)];
  return numbers;
}

function assertClose(name: string, got: Tensor, wanted: Tensor): void {
  assert.equal(`${got.type} [${got.dims}]`, `${wanted.type} [${wanted.dims}]`, name);
  const [a, b] = [elements(got), elements(wanted)];
  const wrong = a.findIndex((value, i) => !isClose(value, b[i], wanted.type.includes('float')));
  assert.equal(wrong, -1, `${name}[${wrong}]: got ${a[wrong]}, expected ${b[wrong]}`);
}

/** A tensor of the data; they hold bfloat16 by its bits, as uint16. */
function readTensor(path: string, dtype: DType): Tensor {
  const { tensor } = readTensorProto(readFileSync(path));
  const isBits = dtype === 'bfloat16' && tensor.type === 'uint16';
  return isBits ? new Tensor(dtype, tensor.data as Uint16Array<ArrayBuffer>, tensor.dims) : tensor;
}

/** What keeps kerf from claiming a model: the operators it lacks, or the kind of value; undefined for other errors. */
function reasonOf(error: unknown): string | undefined {
  if (!(error instanceof KerfError)) return undefined;
  if (error.code === 'OPERATOR_UNSUPPORTED') return (error.details['operators'] as string[] | undefined)?.join(', ');
  if (error.code !== 'DTYPE_UNSUPPORTED') return undefined;
  return /element type (\w+)/.exec(error.message)?.[1] ?? /got an? (\w+), expected a tensor/.exec(error.message)?.[1];
}

/** The model with a symbol of its own for each size of its inputs. */
function openSizes(model: Model): Model {
  const { inputs, outputs } = model.graph;
  return {
    ...model,
    graph: {
      ...model.graph,
      inputs: inputs.map((port) => ({ ...port, shape: port.shape.map((_, axis) => symbol(`${port.name}/${axis}`)) })),
      outputs: outputs.map((port) => ({ ...port, shape: port.shape.map((_, axis) => symbol(`${port.name}/${axis}`)) })),
    },
  };
}

/** A session on the case's model, or the reason why kerf does not claim it. */
async function createSession(folder: string, change: (model: Model) => Model): Promise<InferenceSession | string> {
  try {
    const model = await loadModel(join(folder, 'model.onnx'));
    return createSessionFromModel(change(model), { executor: 'wasm' });
  } catch (error) {
    const reason = reasonOf(error);
    if (reason !== undefined) return reason;
    throw error;
  }
}

/** Runs every data set of a case; the reason where kerf does not claim it. */
async function runCase(folder: string, change: (model: Model) => Model): Promise<string | undefined> {
  const session = await createSession(folder, change);
  if (typeof session === 'string') return session;
  for (const set of readdirSync(folder).filter((name) => name.startsWith('test_data_set'))) {
    const at = (kind: string, index: number) => join(folder, set, `${kind}_${index}.pb`);
    const feeds = session.inputs.map(({ name, dtype }, i) => [name, readTensor(at('input', i), dtype)] as const);
    const outputs = await session.run(Object.fromEntries(feeds));
    session.outputNames.forEach((name, i) => {
      assertClose(name, outputs[name], readTensor(at('output', i), outputs[name].type));
    });
  }
  await session.release();
  return undefined;
}

/** What is done to each model before it is run. */
const changes: Readonly<Record<string, (model: Model) => Model>> = {
  '': (model) => model,
  ', with open sizes': openSizes,
};

describe('ONNX conformance', () => {
  for (const [set, wanted] of Object.entries(expected)) {
    if (!existsSync(join(data, set))) {
      it.skip(`${set}: the data are not installed; get them with: sudo apt-get install libonnx-testdata`);
      continue;
    }

    for (const [what, change] of Object.entries(changes)) {
      it(`${set}: passes every case that is claimed${what}`, async () => {
        const counts = { passed: 0, expectedMisses: 0 };
        const unclaimed: Record<string, number> = {};
        const problems: string[] = [];
        for (const name of readdirSync(join(data, set))) {
          const isMiss = `${set}/${name}` in expectedMisses;
          try {
            const reason = await runCase(join(data, set, name), change);
            if (reason !== undefined) unclaimed[reason] = (unclaimed[reason] ?? 0) + 1;
            else if (isMiss) problems.push(`${name} passes: take it off the list of misses`);
            else counts.passed++;
          } catch (error) {
            if (isMiss) counts.expectedMisses++;
            else problems.push(`${name}: ${(error as Error).message}`);
          }
        }
        const { passed, expectedMisses: missed } = counts;
        console.log(
          `      ${set}${what}: ${passed} passed, ${missed} expected misses, not claimed: ${JSON.stringify(unclaimed)}`,
        );
        assert.deepEqual(problems, []);
        assert.deepEqual({ passed, unclaimed }, wanted);
      });
    }
  }
});
