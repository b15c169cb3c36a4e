import assert from 'node:assert/strict';
import { linkSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { checkOutputPaths } from '../../../src/cli/output-paths.js';
import { withCode } from '../../support/codes.js';

describe('output paths', () => {
  let folder = '';
  const file = (name: string) => join(folder, name);
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kerf-paths-'));
    for (const name of ['model.onnx', 'old.kerf']) writeFileSync(file(name), name);
    symlinkSync(file('model.onnx'), file('link'));
    symlinkSync(folder, file('here'));
    linkSync(file('model.onnx'), file('twin'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('may be new, may overwrite what is no input, and may be missing', () => {
    const outputs = { '--output': file('old.kerf'), '--onnx': file('new.onnx'), '--report': undefined };
    checkOutputPaths(outputs, { MODEL: file('model.onnx'), '--init': 'auto', '--guard': undefined });
    checkOutputPaths({ '--output': '-' }, { MODEL: '-' });
  });

  it('are no input, by whatever name', () => {
    const names = ['model.onnx', './model.onnx', 'link', 'here/model.onnx', 'twin'];
    for (const path of [...names.map((name) => `${folder}/${name}`), relative('.', file('model.onnx'))]) {
      const refused = withCode('USAGE', '--output: is the same file as MODEL');
      assert.throws(() => checkOutputPaths({ '--output': path }, { MODEL: file('model.onnx') }), refused, path);
    }
  });

  it('differ from each other, also where nothing stands yet', () => {
    const refused = withCode('USAGE', '--onnx: is the same file as --output');
    const pairs = [
      [file('new'), `${folder}/here/new`],
      ['-', '-'],
    ];
    for (const [output, onnx] of pairs) {
      assert.throws(() => checkOutputPaths({ '--output': output, '--onnx': onnx }, {}), refused);
    }
  });
});
