import assert from 'node:assert/strict';
import { wholeNumbers } from '../../../src/cli/beside.js';
import {
  fractionOption,
  numberOption,
  refuseRepeated,
  sizesOption,
  wordOrCountOption,
} from '../../../src/cli/options.js';

describe('command line options', () => {
  const usage = { name: 'KerfError', code: 'USAGE', exitCode: 2 };

  it('reads numbers within their range and refuses the rest', () => {
    const { coerce } = numberOption('n', { minimum: 1, maximum: 8, integer: true }, {});
    assert.equal(coerce!('8'), 8);
    for (const word of ['0', '9', '1.5', 'x', '', 'NaN', '1e400']) assert.throws(() => coerce!(word), usage, word);
  });

  it('refuses 0 and 1 as fractions', () => {
    const { coerce } = fractionOption('f', {});
    assert.equal(coerce!('0.02'), 0.02);
    for (const word of ['0', '1', '-0.1', '2']) assert.throws(() => coerce!(word), usage, word);
  });

  it('reads a word or a count', () => {
    const { coerce } = wordOrCountOption('parts', ['auto'], {});
    assert.equal(coerce!('auto'), 'auto');
    assert.equal(coerce!('4'), 4);
    for (const word of ['0', 'many', '2.5', '', ' ']) assert.throws(() => coerce!(word), usage, word);
    assert.throws(() => wordOrCountOption('bus', ['auto'], {}, 0).coerce!(''), usage);
  });

  it('reads sizes by name', () => {
    const { coerce } = sizesOption();
    assert.deepEqual(coerce!('h=12, image width=7'), { h: 12, 'image width': 7 });
    for (const words of ['', 'h', 'h=', 'h=x', '=3', 'h=1,', 'h=-1']) assert.throws(() => coerce!(words), usage, words);
  });

  it('refuses an option given twice, but not --input', () => {
    assert.equal(refuseRepeated({ _: ['run'], input: ['a', 'b'] }), true);
    assert.throws(() => refuseRepeated({ seed: ['1', '2'] }), usage);
  });
});

describe('labels', () => {
  it('are class numbers from 0 on', () => {
    assert.deepEqual(wholeNumbers([0, 3n, 7]), [0, 3, 7]);
    for (const value of [-1, 5.5, Number.NaN]) {
      assert.throws(() => wholeNumbers([1, value]), {
        code: 'DATA_INVALID',
        exitCode: 3,
        message: /label 1 .*from 0 on/,
      });
    }
  });
});
