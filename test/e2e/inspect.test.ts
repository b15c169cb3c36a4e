import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertRefused, digits, jsonOf, kerf, scratchFolder } from './kerf.js';

describe('kerf inspect', () => {
  const scratch = scratchFolder();
  after(scratch.remove);

  it('--json tells format, ports, operators, parameters and tensors', async () => {
    const inspection = jsonOf(await kerf(['inspect', digits, '--json']));
    assert.equal(inspection.format, 'onnx');
    assert.deepEqual(inspection.inputs, [{ name: 'x', dtype: 'float32', shape: ['batch', 784] }]);
    assert.deepEqual(inspection.outputs, [{ name: 'logits', dtype: 'float32', shape: ['batch', 10] }]);
    assert.equal(inspection.parameters, 784 * 256 + 256 + 256 * 256 + 256 + 256 * 10 + 10);
    assert.deepEqual(inspection.ops, { Gemm: 3, Relu: 2 });
    assert.deepEqual(inspection.unsupported, []);
    const tensors = inspection.tensors as object[];
    assert.equal(tensors.length, 6);
    assert.deepEqual(tensors[0], { name: 'fc1.weight', shape: [256, 784], dtype: 'float32', role: 'weight' });
    assert.deepEqual(tensors[1], { name: 'fc1.bias', shape: [256], dtype: 'float32', role: 'bias' });
  });

  it('prints a table a person can read', async () => {
    const { code, stdout, stderr } = await kerf(['inspect', digits]);
    assert.equal(code, 0);
    assert.equal(stderr, '');
    assert.match(stdout, /^parameters +269,322$/m);
    assert.match(stdout, /^fc1\.weight +\[256, 784\] +float32 +weight$/m);
  });

  it('reads stdin as -', async () => {
    const inspection = jsonOf(await kerf(['inspect', '-', '--json'], { input: readFileSync(digits) }));
    assert.equal(inspection.parameters, 269322);
  });

  const bytes = readFileSync(digits);
  const badModels: [what: string, content: Uint8Array | string, code: string][] = [
    ['an empty file', '', 'FILE_FORMAT'],
    ['a truncated model', bytes.subarray(0, 1000), 'FILE_FORMAT'],
    ['half a model', bytes.subarray(0, bytes.length >> 1), 'FILE_FORMAT'],
    ['text', 'this is no model\n', 'FILE_FORMAT'],
    ['some JSON', '{"name": "x"}', 'FILE_FORMAT'],
    ['a zip file', 'PK\u0003\u0004 and more', 'DATA_INVALID'],
    ['an image', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10), 'FILE_FORMAT'],
  ];
  for (const [what, content, code] of badModels) {
    it(`refuses ${what} with exit code 3`, async () => {
      const path = join(scratch.path, 'model.onnx');
      writeFileSync(path, content);
      assertRefused(await kerf(['inspect', path]), 3, code);
    });
  }

  it('ends with 1 when the file is missing, and with 2 without a file', async () => {
    assertRefused(await kerf(['inspect', join(scratch.path, 'none.onnx')]), 1, 'IO_FAILED');
    assertRefused(await kerf(['inspect']), 2, 'USAGE');
  });

  it('prints the stack with --verbose only', async () => {
    const { stderr } = await kerf(['inspect', join(scratch.path, 'none.onnx'), '--verbose']);
    assert.match(stderr, /\n {4}at /);
  });
});
