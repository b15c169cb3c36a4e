/** Where the demo's models and data may lie: below the working directory, this package, and Node's own npm. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

const packageFolder = fileURLToPath(new URL('../../../', import.meta.url));

/** node_modules folders, nearest first; not all of them need exist. */
export function moduleFolders(): string[] {
  const node = dirname(dirname(process.execPath));
  const folders = [
    join(process.cwd(), 'node_modules'),
    join(packageFolder, 'node_modules'),
    join(packageFolder, 'examples', 'node_modules'),
    // As a dependency, kerf lies beside the others.
    join(packageFolder, '..'),
    join(node, 'lib', 'node_modules'),
    join(node, 'node_modules'),
  ];
  return [...new Set(folders.map((folder) => resolve(folder)))].filter((folder) => /node_modules$/.test(folder));
}

/** A file of an npm package, if it is installed. */
export function findModuleFile(path: string): string | undefined {
  return moduleFolders()
    .map((folder) => join(folder, path))
    .find((file) => existsSync(file));
}

/** The ONNX file of the digits net that ships with kerf, made smaller by scripts/build.mjs. */
export function readDigitsModel(): Uint8Array<ArrayBuffer> {
  const planes = brotliDecompressSync(readFileSync(join(packageFolder, 'build', 'digits.planes.br')));
  const bytes = new Uint8Array(planes);
  const front = bytes.length % 4;
  const count = (bytes.length - front) / 4;
  const words = new DataView(bytes.buffer, front);
  for (let i = 0; i < count; i++) {
    const turned = [0, 1, 2, 3].reduce((word, plane) => word | (planes[front + plane * count + i] << (8 * plane)), 0);
    words.setUint32(4 * i, (turned >>> 1) | (turned << 31), true);
  }
  return bytes;
}
