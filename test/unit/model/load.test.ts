import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadModel } from '../../../src/model/index.js';
import type { ErrorCode, KerfError } from '../../../src/runtime/errors.js';
import { model, node, smallGraph } from './build-model.js';

const digits = 'test/golden/digits/digits.onnx';

async function refuses(from: Parameters<typeof loadModel>[0], code: ErrorCode, sentence: RegExp, limits = {}) {
  await assert.rejects(
    () => loadModel(from, { limits }),
    (error: KerfError) => error.code === code && sentence.test(error.message),
  );
}

describe('loadModel', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kerf-load-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('takes a path, a file address, bytes and an ArrayBuffer', async () => {
    const expected = await loadModel(digits);
    const bytes = new Uint8Array(readFileSync(digits));
    for (const from of [pathToFileURL(digits), pathToFileURL(digits).href, bytes, bytes.buffer]) {
      assert.deepEqual(await loadModel(from), expected);
    }
  });

  it('refuses what is no source', async () => {
    for (const from of [null, undefined, 5, {}]) {
      await refuses(from as never, 'OPTION_INVALID', /got .*, expected a path, a URL, or the bytes of a file/);
    }
  });

  it('names the operators that kerf cannot run, each once, sorted', async () => {
    const graph = smallGraph();
    graph.node!.push(
      { ...node('Zebra', ['y'], ['z']), domain: 'com.example' },
      node('Aardvark', ['y'], ['a']),
      node('Aardvark', ['y'], ['b']),
    );
    assert.deepEqual((await loadModel(model(graph))).unsupported, ['Aardvark', 'com.example.Zebra']);
  });

  it('says what a file is that holds no network', async () => {
    const safetensors = (header: string) => {
      const bytes = new Uint8Array(8 + header.length);
      new DataView(bytes.buffer).setUint32(0, header.length, true);
      bytes.set(new TextEncoder().encode(header), 8);
      return bytes;
    };
    await refuses(safetensors('{"__metadata__":{"kerf.version":"1"}}'), 'FILE_FORMAT', /got a kerf package/);
    await refuses(new Uint8Array(0), 'FILE_FORMAT', /no graph in the file/);
  });

  it('refuses what cannot be read, and what is too large', async () => {
    await refuses(join(folder, 'none.onnx'), 'IO_FAILED', /cannot be opened: got ENOENT/);
    await refuses(folder, 'IO_FAILED', /is a folder/);
    await refuses(new URL('ftp://localhost/model.onnx'), 'IO_FAILED', /got ftp:/);
    writeFileSync(join(folder, 'big.onnx'), new Uint8Array(5000));
    await refuses(join(folder, 'big.onnx'), 'FILE_LIMIT', /got 5000 bytes, expected <= 4999/, { maxFileBytes: 4999 });
    // A device has no size: the reader must stop by itself.
    if (process.platform !== 'win32') await refuses('/dev/zero', 'FILE_LIMIT', /too large/, { maxFileBytes: 100_000 });
  });

  describe('over http', () => {
    let server: Server;
    let address: string;
    before((done) => {
      server = createServer((request, response) => {
        if (request.url === '/digits.onnx') response.end(readFileSync(digits));
        else response.writeHead(404).end();
      }).listen(0, '127.0.0.1', () => {
        address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        done();
      });
    });
    after((done) => {
      server.closeAllConnections();
      server.close(done);
    });

    it('loads a model, up to the limit', async () => {
      assert.deepEqual(await loadModel(`${address}/digits.onnx`), await loadModel(digits));
      await refuses(`${address}/digits.onnx`, 'FILE_LIMIT', /too large/, { maxFileBytes: 1000 });
      await refuses(`${address}/none.onnx`, 'IO_FAILED', /got status 404, expected 200/);
      await refuses('http://127.0.0.1:1/x.onnx', 'IO_FAILED', /cannot be fetched/);
    });
  });
});
