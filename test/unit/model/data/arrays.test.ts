import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { zipSync } from 'fflate';
import { convertTensor, decodeArrays, encodeArrays, readArrays, writeArrays } from '../../../../src/model/index.js';
import { formatOutputs } from '../../../../src/report/outputs.js';
import { type ErrorCode, KerfError } from '../../../../src/runtime/errors.js';
import { Tensor } from '../../../../src/runtime/tensor.js';
import { withCode } from '../../../support/codes.js';

const golden = 'test/golden/arrays';
const text = (content: string) => new TextEncoder().encode(content);

function refuses(bytes: Uint8Array, name: string, code: ErrorCode, sentence: RegExp, limits = {}) {
  assert.throws(
    () => decodeArrays(bytes, name, { limits }),
    (error: KerfError) => error.code === code && sentence.test(error.message),
    name,
  );
}

async function only(path: string): Promise<Tensor> {
  const arrays = await readArrays(path);
  assert.deepEqual([...arrays.keys()], ['']);
  return arrays.get('')!;
}

describe('readArrays', () => {
  it('reads every kind of number that NumPy writes', async () => {
    const expected: Record<string, [string, unknown[]]> = {
      'little-f2': ['float16', [0xbc00, 0, 0x3c00, 0x4000, 0x4200, 0x4400]],
      'little-f4': ['float32', [-1, 0, 1, 2, 3, 4]],
      'little-f8': ['float64', [-1, 0, 1, 2, 3, 4]],
      'byte-i1': ['int8', [-1, 0, 1, 2, 3, 4]],
      'little-i2': ['int16', [-1, 0, 1, 2, 3, 4]],
      'little-i4': ['int32', [-1, 0, 1, 2, 3, 4]],
      'little-i8': ['int64', [-1n, 0n, 1n, 2n, 3n, 4n]],
      'byte-u1': ['uint8', [0, 1, 2, 3, 4, 5]],
      'little-u2': ['uint16', [0, 1, 2, 3, 4, 5]],
      'little-u4': ['uint32', [0, 1, 2, 3, 4, 5]],
      'little-u8': ['uint64', [0n, 1n, 2n, 3n, 4n, 5n]],
      'byte-b1': ['bool', [0, 1, 1, 1, 1, 1]],
      'big-f4': ['float32', [-1, 0, 1, 2, 3, 4]],
      'big-i8': ['int64', [-1n, 0n, 1n, 2n, 3n, 4n]],
      'version-1': ['float32', [0, 1, 2, 3, 4, 5]],
      'version-2': ['float32', [0, 1, 2, 3, 4, 5]],
      'version-3': ['float32', [0, 1, 2, 3, 4, 5]],
    };
    for (const [name, [type, data]] of Object.entries(expected)) {
      const tensor = await only(join(golden, `${name}.npy`));
      assert.equal(tensor.type, type, name);
      assert.deepEqual(tensor.dims, [2, 3], name);
      assert.deepEqual([...tensor.data], data, name);
    }
  });

  it('reads scalars, vectors, empty arrays and column-major arrays', async () => {
    const scalar = await only(join(golden, 'scalar.npy'));
    assert.deepEqual([scalar.dims, ...scalar.data], [[], 2.5]);
    const vector = await only(join(golden, 'vector.npy'));
    assert.deepEqual([vector.dims, ...vector.data], [[2], 1.5, -2]);
    assert.deepEqual((await only(join(golden, 'empty.npy'))).dims, [0, 4]);
    const fortran = await only(join(golden, 'fortran.npy'));
    assert.deepEqual(fortran.dims, [2, 3, 4]);
    assert.deepEqual(
      [...fortran.data],
      Array.from({ length: 24 }, (_, i) => i),
    );
  });

  it('reads npz files, stored and deflated', async () => {
    for (const name of ['stored.npz', 'deflated.npz']) {
      const arrays = await readArrays(join(golden, name));
      assert.deepEqual([...arrays.keys()], ['x', 'ids']);
      assert.deepEqual([...arrays.get('x')!.data], [0, 1, 2, 3, 4, 5]);
      assert.equal(arrays.get('ids')!.type, 'int64');
    }
  });

  it('reads JSON, JSON lines and CSV', () => {
    const json = decodeArrays(text('{"x": [[1, 2], [3, 4.5]], "y": ["NaN", "-Infinity"]}'), 'a.json');
    assert.deepEqual(json.get('x')!.dims, [2, 2]);
    assert.deepEqual([...json.get('y')!.data], [Number.NaN, Number.NEGATIVE_INFINITY]);
    assert.deepEqual(decodeArrays(text('[[1, 2]]'), 'a').get('')!.dims, [1, 2]);
    const lines = decodeArrays(text('{"x": [1, 2], "y": 0}\n\n{"y": 1, "x": [3, 4]}\n'), 'a.jsonl');
    assert.deepEqual([lines.get('x')!.dims, lines.get('y')!.dims], [[2, 2], [2]]);
    assert.deepEqual([...lines.get('x')!.data], [1, 2, 3, 4]);
    const csv = decodeArrays(text('a, b\n1, 2\n"3",-4e-1\n'), 'a.csv').get('')!;
    assert.deepEqual([csv.dims, ...csv.data], [[2, 2], 1, 2, 3, -0.4]);
    assert.deepEqual(decodeArrays(text('1,2\r\n3,4\r\n'), '-').get('')!.dims, [2, 2]);
    const { NaN: nan, POSITIVE_INFINITY: most, NEGATIVE_INFINITY: least } = Number;
    for (const [word, value] of [
      ['nan', nan],
      ['-NaN', nan],
      ['inf', most],
      ['+Inf', most],
      ['Infinity', most],
      ['-inf', least],
    ] as const) {
      assert.deepEqual([...decodeArrays(text(`1,${word}\n3,4\n`), 'a.csv').get('')!.data], [1, value, 3, 4], word);
    }
  });

  it('refuses what is no array of numbers', () => {
    const file = (name: string) => readFileSync(join(golden, name));
    refuses(file('objects.npy'), 'objects.npy', 'DATA_INVALID', /element type: got "\|O"/);
    refuses(file('text.npy'), 'text.npy', 'DATA_INVALID', /element type: got "<U1"/);
    refuses(text('[[1, 2], [3]]'), 'a.json', 'DATA_INVALID', /ragged lists: got 1 elements on axis 1, expected 2/);
    assert.deepEqual([...decodeArrays(text('[true, false]'), 'a.json').get('')!.data], [1, 0]);
    refuses(text('[1, "one"]'), 'a.json', 'DATA_INVALID', /no number: got "one"/);
    refuses(text('["1"]'), 'a.json', 'DATA_INVALID', /no number: got "1"/);
    refuses(text('["9007199254740993", 0.5]'), 'a.json', 'DATA_INVALID', /element 1 .*got 0.5, expected int64/);
    refuses(text('["18446744073709551615", -1]'), 'a.json', 'DATA_INVALID', /got -1, expected uint64/);
    refuses(text('["99999999999999999999"]'), 'a.json', 'DATA_INVALID', /got 9{20}, expected uint64/);
    refuses(text('[1, null]'), 'a.json', 'DATA_INVALID', /got null/);
    refuses(text('[1, 2'), 'a.json', 'DATA_INVALID', /not valid JSON/);
    refuses(text('{"x": 1}\n{"y": 1}'), 'a.jsonl', 'DATA_INVALID', /line 2: other names/);
    refuses(text(''), 'a.jsonl', 'DATA_INVALID', /no samples/);
    refuses(text('a,b\n'), 'a.csv', 'DATA_INVALID', /no samples/);
    refuses(text('1,2\n3,x\n'), 'a.csv', 'DATA_INVALID', /row 2, column 2: got "x"/);
    refuses(text('1,2\n3\n'), 'a.csv', 'DATA_INVALID', /not valid CSV/);
    refuses(text(',2\n3,4\n'), 'a.csv', 'DATA_INVALID', /row 1, column 1: got "", expected a number/);
    refuses(text('1,in\n3,infinite\n'), 'a.csv', 'DATA_INVALID', /row 2, column 2: got "infinite"/);
    refuses(Uint8Array.of(0xff, 0xfe, 0x31), 'a.csv', 'DATA_INVALID', /not UTF-8/);
  });

  it('refuses npy headers that lie or hold code', () => {
    const header = (dict: string, data = 24) => {
      const bytes = new Uint8Array(10 + dict.length + data);
      bytes.set(Buffer.from(`\x93NUMPY\x01\x00\x00\x00${dict}`, 'latin1'));
      bytes[8] = dict.length;
      return bytes;
    };
    const dict = (shape: string, descr = "'<f4'") =>
      `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }\n`;
    assert.deepEqual(decodeArrays(header(dict('(2, 3)')), 'a.npy').get('')!.dims, [2, 3]);
    refuses(header(dict('(2, 4)')), 'a.npy', 'DATA_INVALID', /got 24 bytes of elements, expected 32/);
    refuses(header(dict('(2, 2)')), 'a.npy', 'DATA_INVALID', /got 24 bytes of elements, expected 16/);
    refuses(header(dict('(-2, 3)')), 'a.npy', 'DATA_INVALID', /npy header/);
    refuses(header(dict('(1000000, 1000000)')), 'a.npy', 'FILE_LIMIT', /number of elements/);
    refuses(header(dict(`(0, ${'9'.repeat(99)})`), 0), 'a.npy', 'FILE_LIMIT', /dimension/);
    refuses(header(dict('(2, 3)', "[('a', '<f4')]")), 'a.npy', 'DATA_INVALID', /npy header/);
    refuses(header(dict("__import__('os').system('true')")), 'a.npy', 'DATA_INVALID', /npy header/);
    refuses(header("{'descr': '<f4', 'descr': '<f4', 'shape': (2, 3), }\n"), 'a.npy', 'DATA_INVALID', /npy header/);
  });

  it('holds the limits on zip files', () => {
    const arrays = new Map([['x', new Tensor('float32', new Float32Array(100_000), [100_000])]]);
    const npy = encodeArrays(arrays, 'npy');
    const bomb = zipSync({ 'x.npy': npy }, { level: 9 });
    refuses(bomb, 'a.npz', 'FILE_LIMIT', /inflated size in bytes is too large: got 400128/);
    const many = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`${i}.npy`, npy.subarray(0, 0)]));
    refuses(zipSync(many), 'a.npz', 'FILE_LIMIT', /number of zip entries/, { maxZipEntries: 10 });
    refuses(zipSync({ 'x.pkl': npy }), 'a.npz', 'DATA_INVALID', /expected arrays as .npy only/);
    refuses(text('[1, 2, 3]'), 'a.json', 'FILE_LIMIT', /got 9 bytes, expected <= 8/, { maxTextBytes: 8 });
  });

  it('does not allocate for ragged lists that claim much', () => {
    const wide = JSON.stringify(Array(20_000).fill(0));
    refuses(text(`[${wide}${', []'.repeat(20_000)}]`), 'a.json', 'FILE_LIMIT', /number of elements/);
  });

  it('never crashes on damaged files', () => {
    const names = readdirSync(golden).filter((name) => /\.np[yz]$/.test(name));
    const damage = fc.tuple(fc.constantFrom(...names), fc.nat(1000), fc.nat(255), fc.boolean());
    fc.assert(
      fc.property(damage, ([name, at, byte, isCut]) => {
        const bytes = Uint8Array.from(readFileSync(join(golden, name)));
        const place = at % bytes.length;
        if (!isCut) bytes[place] = byte;
        try {
          decodeArrays(isCut ? bytes.subarray(0, place) : bytes, name);
        } catch (error) {
          assert(error instanceof KerfError, (error as Error).stack);
        }
      }),
      { numRuns: 1500 },
    );
  });
});

describe('writeArrays', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kerf-arrays-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const arrays = new Map<string, Tensor>([
    ['x', new Tensor('float32', new Float32Array([1.5, -2, 3, Number.NaN]), [2, 2])],
    ['ids', new Tensor('int64', new BigInt64Array([1n, -(2n ** 60n)]), [2])],
    ['half', new Tensor('float16', new Uint16Array([15_360]), [1, 1])],
    ['flag', new Tensor('bool', new Uint8Array([1, 0]), [2])],
    ['none', new Tensor('uint8', new Uint8Array(0), [0, 3])],
    ['scalar', new Tensor('float64', new Float64Array([7]), [])],
  ]);

  it('writes npz files that read back the same, and the same bytes each time', async () => {
    const path = join(folder, 'out.npz');
    await writeArrays(path, arrays);
    assert.deepEqual(await readArrays(path), arrays);
    assert.deepEqual(encodeArrays(arrays, 'npz'), new Uint8Array(readFileSync(path)));
    assert.deepEqual(readdirSync(folder), ['out.npz']);
  });

  it('writes npy files as NumPy does', () => {
    const x = new Tensor('float32', new Float32Array([0, 1, 2, 3, 4, 5]), [2, 3]);
    const bytes = encodeArrays(new Map([['', x]]), 'npy');
    assert.deepEqual(Buffer.from(bytes), readFileSync(join(golden, 'version-1.npy')));
    assert.throws(
      () => encodeArrays(arrays, 'npy'),
      (error: KerfError) => error.code === 'DATA_INVALID' && /got 6 arrays, expected one/.test(error.message),
    );
  });

  it('writes JSON that reads back the same numbers', () => {
    const json = new TextDecoder().decode(encodeArrays(arrays, 'json'));
    assert.match(json, /"x": \[\[1.5,-2\],\[3,"NaN"\]\], "ids": \[1,"-1152921504606846976"\]/);
    const read = decodeArrays(text(json), 'a.json');
    assert.deepEqual([...read.get('x')!.data], [1.5, -2, 3, Number.NaN]);
    assert.deepEqual(read.get('ids'), arrays.get('ids'));
    const largest = new Map([['n', new Tensor('uint64', new BigUint64Array([2n ** 64n - 1n, 7n]), [2])]]);
    assert.deepEqual(decodeArrays(encodeArrays(largest, 'json'), 'a.json'), largest);
  });

  it('writes half precision as its values, never as bits', () => {
    const halves = new Map<string, Tensor>([
      ['h', new Tensor('float16', new Uint16Array([0x354c, 0xc000, 0x7c00]), [3])],
      ['b', new Tensor('bfloat16', new Uint16Array([0x3f00, 0x7fc0]), [1, 2])],
    ]);
    const json = new TextDecoder().decode(encodeArrays(halves, 'json'));
    assert.equal(json, '{"h": [0.3310546875,-2,"Infinity"], "b": [[0.5,"NaN"]]}\n');
    assert.match(formatOutputs(Object.fromEntries(halves)), /0.331 +-2 +Infinity[\s\S]*0.5 +-/);
    const refused = withCode('DATA_INVALID', 'npy output', 'got bfloat16');
    assert.throws(() => encodeArrays(new Map([['b', halves.get('b')!]]), 'npy'), refused);
  });

  it('leaves nothing behind when it fails', async () => {
    await assert.rejects(writeArrays(join(folder, 'none', 'out.npz'), arrays), { code: 'IO_FAILED' });
    await assert.rejects(writeArrays(join(folder, 'out.txt'), arrays), { code: 'OPTION_INVALID' });
    await assert.rejects(readArrays(join(folder, 'out.npz')), { code: 'IO_FAILED' });
    writeFileSync(join(folder, 'big.npy'), new Uint8Array(100));
    await assert.rejects(readArrays(join(folder, 'big.npy'), { limits: { maxFileBytes: 99 } }), { code: 'FILE_LIMIT' });
    assert.deepEqual(readdirSync(folder), ['big.npy']);
  });
});

describe('convertTensor', () => {
  const numbers = new Tensor('float64', new Float64Array([1, -2, 0.5]), [3]);

  it('rounds to floats and refuses integers that do not fit', () => {
    assert.deepEqual([...convertTensor(numbers, 'float32', 'x').data], [1, -2, 0.5]);
    const whole = new Tensor('float64', new Float64Array([1, -2]), [2]);
    assert.deepEqual([...convertTensor(whole, 'int64', 'x').data], [1n, -2n]);
    assert.equal(convertTensor(whole, 'float64', 'x'), whole);
    const wide = new Tensor('int64', new BigInt64Array([2n ** 53n + 1n, 2n]), [2]);
    assert.deepEqual([...convertTensor(wide, 'uint64', 'x').data], [2n ** 53n + 1n, 2n]);
    assert.deepEqual([...convertTensor(wide, 'float64', 'x').data], [2 ** 53, 2]);
    const half = convertTensor(numbers, 'float16', 'x');
    assert.deepEqual([...half.data], [0x3c00, 0xc000, 0x3800]);
    assert.deepEqual([...convertTensor(half, 'float32', 'x').data], [1, -2, 0.5]);
    assert.deepEqual([...convertTensor(half, 'bfloat16', 'x').data], [0x3f80, 0xc000, 0x3f00]);
    for (const [tensor, dtype] of [
      [numbers, 'int32'],
      [whole, 'uint8'],
      [wide, 'int32'],
      [new Tensor('float64', new Float64Array([2 ** 53]), [1]), 'int64'],
    ] as const) {
      assert.throws(
        () => convertTensor(tensor, dtype, 'input "x"'),
        (error: KerfError) => error.code === 'DATA_INVALID' && error.message.startsWith('input "x"'),
      );
    }
  });
});
