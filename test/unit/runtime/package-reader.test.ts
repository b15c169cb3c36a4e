import assert from 'node:assert/strict';
import { encodePackage } from '../../../src/package/kerf-writer.js';
import { decodePackage } from '../../../src/runtime/format/decode-package.js';
import { withCode } from '../../support/codes.js';
import { closePackage, closeText, type OpenPackage, openPackage, packageOf, withPlan } from '../../support/packages.js';
import { mlpPlan } from '../../support/plans.js';
import { Random } from '../../support/random.js';
import { randomPlan } from '../../support/random-plan.js';

const good = encodePackage(packageOf(mlpPlan()));

function refused(bytes: Uint8Array, code: 'PACKAGE_INVALID' | 'PACKAGE_VERSION', ...words: string[]): void {
  assert.throws(() => decodePackage(bytes), withCode(code, ...words));
}

function changed(change: (open: OpenPackage) => unknown): Uint8Array {
  const open = openPackage(good);
  change(open);
  return closePackage(open);
}

describe('decodePackage', () => {
  it('reads a package at any address', () => {
    const shifted = new Uint8Array(good.length + 3);
    shifted.set(good, 3);
    const { plan } = decodePackage(shifted.subarray(3));
    assert.deepEqual(plan, mlpPlan());
  });

  it('views the weights instead of copying them', () => {
    assert.equal(decodePackage(good).plan.weights[0].data.buffer, good.buffer);
  });

  it('refuses files that are cut anywhere', () => {
    for (let length = 0; length < good.length; length += 61) refused(good.slice(0, length), 'PACKAGE_INVALID');
    refused(good.slice(0, good.length - 64), 'PACKAGE_INVALID');
  });

  it('refuses a header that is too long, not UTF-8, not JSON, not an object', () => {
    const long = good.slice();
    new DataView(long.buffer).setBigUint64(0, 2n ** 40n, true);
    refused(long, 'PACKAGE_INVALID', 'header is too long');
    const odd = good.slice();
    odd[20] = 0xff;
    refused(odd, 'PACKAGE_INVALID', 'UTF-8');
    refused(closeText('{', new Uint8Array(0)), 'PACKAGE_INVALID', 'JSON');
    refused(closeText('[]', new Uint8Array(0)), 'PACKAGE_INVALID', 'not an object');
    refused(closeText('{}', new Uint8Array(0)), 'PACKAGE_INVALID', 'without a plan');
  });

  it('refuses a key that stands twice, also when it is spelt with escapes, and deep nesting', () => {
    refused(closeText('{"a":1,"\\u0061":2}', new Uint8Array(0)), 'PACKAGE_INVALID', 'twice');
    refused(
      closeText('{"a":[{"b":1},{"b":2,"c":{"b":3}}],"x":"}{","x":0}', new Uint8Array(0)),
      'PACKAGE_INVALID',
      'twice',
      '"x"',
    );
    refused(closeText('['.repeat(33), new Uint8Array(0)), 'PACKAGE_INVALID', 'too deep');
    refused(closeText('{"a":"', new Uint8Array(0)), 'PACKAGE_INVALID', 'does not end');
    const text = JSON.stringify(mlpPlan().symbols);
    const twice = changed(({ header }) => {
      header.__metadata__['kerf.plan'] = `{"version":1,"version":1,"symbols":${text}}`;
    });
    refused(twice, 'PACKAGE_INVALID', 'kerf.plan', 'twice');
  });

  it('refuses tensors with gaps, overlaps, wrong sizes, odd shapes and unknown dtypes', () => {
    const cases: [string, (fc1: Record<string, unknown>, header: Record<string, unknown>) => unknown][] = [
      [
        'gap or overlap',
        (fc1) => Object.assign(fc1, { data_offsets: (fc1['data_offsets'] as number[]).map((at) => at + 64) }),
      ],
      ['gap or overlap', (_, header) => delete header['fc1']],
      ['wrong place', (fc1) => Object.assign(fc1, { data_offsets: [0, 2 ** 40] })],
      ['wrong place', (fc1) => Object.assign(fc1, { data_offsets: [64, 0] })],
      ['malformed offsets', (fc1) => Object.assign(fc1, { data_offsets: [0] })],
      ['malformed offsets', (fc1) => Object.assign(fc1, { data_offsets: [0, 1.5] })],
      ['malformed shape', (fc1) => Object.assign(fc1, { shape: [-1] })],
      ['wrong place', (fc1) => Object.assign(fc1, { shape: [2 ** 31, 2 ** 31] })],
      ['malformed entry', (fc1) => Object.assign(fc1, { dtype: 'F31' })],
      ['malformed entry', (fc1) => Object.assign(fc1, { more: 1 })],
      ['malformed entry', (_, header) => Object.assign(header, { fc1: null })],
    ];
    for (const [words, change] of cases) {
      refused(
        changed(({ header }) => change(header.fc1, header)),
        'PACKAGE_INVALID',
        words,
      );
    }
    const longer = new Uint8Array(good.length + 64);
    longer.set(good);
    refused(longer, 'PACKAGE_INVALID', 'behind the last tensor');
  });

  it('refuses weights that differ from the plan, and padding that is not zero', () => {
    refused(
      withPlan(good, (plan) => Object.assign(plan.weights[0], { shape: [5, 5] })),
      'PACKAGE_INVALID',
      '"fc1"',
      'differs',
    );
    refused(
      withPlan(good, (plan) => Object.assign(plan.weights[0], { name: 'fc9' })),
      'PACKAGE_INVALID',
      'not in the file',
    );
    refused(
      withPlan(good, (plan) => Object.assign(plan.weights[0], { dtype: 'int32' })),
      'PACKAGE_INVALID',
      'panels',
    );
    refused(
      withPlan(good, (plan) => Object.assign(plan.weights[0], { layout: 'tiles' })),
      'PACKAGE_VERSION',
      '"tiles"',
    );
    const padded = changed(({ header, payload }) =>
      payload.fill(1, header.fc1.data_offsets[1] - 1, header.fc1.data_offsets[1]),
    );
    refused(padded, 'PACKAGE_INVALID', '"fc1"', 'padding');
  });

  it('tells unknown versions, fields, step kinds and params from damage', () => {
    refused(
      changed(({ header }) => Object.assign(header.__metadata__, { 'kerf.version': '2' })),
      'PACKAGE_VERSION',
      '"2"',
    );
    refused(
      withPlan(good, (plan) => Object.assign(plan, { version: 2 })),
      'PACKAGE_VERSION',
      '2',
    );
    refused(
      withPlan(good, (plan) => Object.assign(plan, { cascade: {} })),
      'PACKAGE_VERSION',
      '"cascade"',
    );
    refused(
      withPlan(good, (plan) => Object.assign(plan.steps[0], { kind: 'fft' })),
      'PACKAGE_VERSION',
      '"fft"',
    );
    refused(
      withPlan(good, (plan) => Object.assign(plan.steps[0].params, { Q: 1 })),
      'PACKAGE_VERSION',
      '"Q"',
    );
    refused(
      changed(({ header }) => delete header.__metadata__['kerf.source']),
      'PACKAGE_INVALID',
      'kerf.source',
    );
    refused(
      changed(({ header }) => Object.assign(header.__metadata__, { 'kerf.certificate': '3' })),
      'PACKAGE_INVALID',
    );
  });

  it('refuses plans with malformed fields', () => {
    // biome-ignore lint/suspicious/noExplicitAny: reaches in to break it
    const cases: ((plan: any) => unknown)[] = [
      (plan) => Object.assign(plan, { symbols: ['batch', 'batch'] }),
      (plan) => Object.assign(plan, { symbols: 'batch' }),
      (plan) => Object.assign(plan, { symbols: ['batch', 'free'] }),
      (plan) => Object.assign(plan, { rows: 'other' }),
      (plan) => Object.assign(plan, { rows: 7 }),
      (plan) => Object.assign(plan.inputs[0], { shape: [20, [[1, 'batch']]] }),
      (plan) => Object.assign(plan.inputs[0].shape, { 1: 1.5 }),
      (plan) => Object.assign(plan.inputs[0].shape, { 0: [[1, 'time']] }),
      (plan) => Object.assign(plan.inputs[0], { buffer: 9 }),
      (plan) => Object.assign(plan.inputs[0], { dtype: 'int32' }),
      (plan) => Object.assign(plan.inputs[0], { dtype: 'float31' }),
      (plan) => plan.inputs.push(plan.inputs[0]),
      (plan) => Object.assign(plan.buffers[1], { size: -5 }),
      (plan) => Object.assign(plan.buffers[1], { size: [['batch', 1]] }),
      (plan) => Object.assign(plan.steps[0].reads, { 0: {} }),
      (plan) => Object.assign(plan.steps[0].reads, { 0: { buffer: 0, weight: 0 } }),
      (plan) => Object.assign(plan.steps[0].reads, { 0: { buffer: 77 } }),
      (plan) => Object.assign(plan.steps[0].writes, { 0: { weight: 0 } }),
      (plan) => Object.assign(plan.steps[0].params, { lo: { real: 'x' } }),
      (plan) => Object.assign(plan.steps[0].params, { lo: null }),
      (plan) => Object.assign(plan.steps[0].params, { M: 'many' }),
      (plan) => Object.assign(plan.steps[0].params, { M: -1 }),
      (plan) => delete plan.steps[0].params.M,
      (plan) => Object.assign(plan.steps[2].params, { f: 'hardmax' }),
      (plan) => Object.assign(plan, { steps: {} }),
      (plan) => Object.assign(plan.parts[0], { first: -1 }),
      (plan) => delete plan.outputs,
    ];
    for (const [i, change] of cases.entries()) {
      assert.throws(() => decodePackage(withPlan(good, change)), withCode('PACKAGE_INVALID'), `case ${i}`);
    }
  });

  it('refuses steps that leave their buffers, at the batch of the file or at any other', () => {
    refused(
      withPlan(good, (plan) => Object.assign(plan.steps[0].params, { N: 400 })),
      'PACKAGE_INVALID',
      '"fc1"',
      'out of bounds',
    );
    refused(
      withPlan(good, (plan) => Object.assign(plan.steps[1].reads[0], { offset: 1 })),
      'PACKAGE_INVALID',
      '"fc2"',
      'out of bounds',
    );
    refused(
      withPlan(good, (plan) => Object.assign(plan.steps[1].reads[0], { offset: 2 ** 40 })),
      'PACKAGE_INVALID',
    );
    refused(
      withPlan(good, (plan) => Object.assign(plan.outputs[0].shape, { 1: 11 })),
      'PACKAGE_INVALID',
      'larger than its buffer',
    );
  });

  it('refuses what reads before anything is written', () => {
    refused(
      withPlan(good, (plan) => plan.steps.reverse()),
      'PACKAGE_INVALID',
      'nothing has written',
    );
    const skipped = withPlan(good, (plan) => {
      plan.steps.pop();
      plan.parts[0].end = 2;
    });
    refused(skipped, 'PACKAGE_INVALID', 'output "y"', 'nothing has written');
  });

  it('refuses parts that do not cover the steps, wait in a circle, or may race', () => {
    const blocks = encodePackage(packageOf(randomPlan(new Random(5))));
    const parts = decodePackage(blocks).plan.parts;
    assert.ok(parts.length >= 3, `${parts.length} parts`);
    const last = parts.length - 1;
    // biome-ignore lint/suspicious/noExplicitAny: reaches in to break it
    const refusedParts = (change: (plan: any) => unknown, words: string) =>
      refused(withPlan(blocks, change), 'PACKAGE_INVALID', words);
    refusedParts((plan) => plan.parts.pop(), 'cover');
    refusedParts((plan) => plan.parts.reverse(), 'wrong place');
    refusedParts((plan) => plan.parts[0].end++, 'wrong place');
    refusedParts((plan) => Object.assign(plan.parts[0], { after: [plan.parts[last].id] }), 'not before it');
    refusedParts((plan) => Object.assign(plan.parts[0], { after: [plan.parts[0].id] }), 'not before it');
    refusedParts((plan) => Object.assign(plan.parts[1], { id: plan.parts[0].id }), 'twice');
    refusedParts((plan) => plan.parts[last].after.splice(0), 'at once');
  });
});
