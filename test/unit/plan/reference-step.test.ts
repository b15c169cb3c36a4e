import assert from 'node:assert/strict';
import { referenceParams, runReference } from '../../../src/plan/reference-step.js';
import type { Step } from '../../../src/runtime/plan.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import { withCode } from '../../support/codes.js';
import { int64, node } from '../../support/graph.js';

const filled = node('ConstantOfShape', ['s'], 'y', { value: new Tensor('float32', Float32Array.of(7), [1]) });
const output = { type: 'float32', dims: [2, 3] } as const;

/** ConstantOfShape of sizes [2]: its output's size is in its input's data. */
function step(changes: Readonly<Record<string, unknown>> = {}): Step {
  const facts = [[{ dtype: 'int64', shape: [2] }], [{ dtype: 'float32', shape: [2, 3] }]] as const;
  const params = { ...referenceParams(filled, 17, facts[0], facts[1]), ...changes } as Step['params'];
  return { kind: 'reference', node: 'fill', reads: [{ buffer: 0 }], writes: [{ buffer: 1 }], params };
}

describe('runReference', () => {
  it('evaluates the node that was written into the plan', () => {
    const [y] = runReference(step(), [int64(2, 3)], [output]);
    assert.deepEqual([y.dims, [...y.data]], [[2, 3], new Array(6).fill(7)]);
  });

  it('makes nothing that would not fill the plan’s buffers, however large', () => {
    for (const sizes of [int64(2 ** 40, 3), int64(2 ** 22, 32), int64(1, 3)]) {
      assert.throws(() => runReference(step(), [sizes], [output]), withCode('PACKAGE_INVALID', '"fill"', 'output 0'));
    }
    const wide = { type: 'float64', dims: [2, 3] } as const;
    assert.throws(() => runReference(step(), [int64(2, 3)], [wide]), withCode('PACKAGE_INVALID', 'float64'));
  });

  it('refuses params of another form', () => {
    const tensor = { dtype: 'float32', dims: [1], data: ['7'] };
    const attribute = (value: unknown) => ({ attributes: { json: [['value', value]] } });
    const damaged: Readonly<Record<string, unknown>>[] = [
      ...[undefined, 5, { json: 5 }, { json: [5] }, { json: [['value']] }].map((attributes) => ({ attributes })),
      ...[null, { number: '1', more: 1 }, { integer: 'x' }, { tensor: null }].map(attribute),
      ...[{ dtype: 'float31' }, { dims: 'x' }, { dims: [-1] }, { data: [5] }, { data: 5 }].map((change) =>
        attribute({ tensor: { ...tensor, ...change } }),
      ),
      ...[undefined, { json: [] }, { json: [true, true] }, { json: 'x' }].flatMap((list) => [
        { inputs: list },
        { outputs: list },
      ]),
      ...[undefined, 5].flatMap((word) => [{ op: word }, { domain: word }]),
      ...['x', -1, Number.NaN].map((opset) => ({ opset })),
    ];
    for (const change of damaged) {
      assert.throws(
        () => runReference(step(change), [int64(2, 3)], [output]),
        (error: { code?: string }) => ['PACKAGE_INVALID', 'PACKAGE_VERSION'].includes(error.code ?? ''),
        JSON.stringify(change),
      );
    }
    assert.throws(() => runReference(step({ op: 'Nothing' }), [int64(2, 3)], [output]), {
      code: 'OPERATOR_UNSUPPORTED',
    });
  });
});
