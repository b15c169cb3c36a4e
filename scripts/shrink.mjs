/** Takes comments and blanks out of the built JavaScript before it is published; declarations keep their docstrings. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The same program in fewer bytes; names stay, so that stacks can be read. */
export function shrink(code) {
  const esbuild = createRequire(join(root, 'test', 'package.json'))('esbuild');
  const { code: small } = esbuild.transformSync(code, { minifyWhitespace: true, format: 'esm', target: 'es2023' });
  return small.replace(/\/\/# sourceMappingURL=.*\n?/, '');
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const entry of readdirSync(join(root, 'build', 'src'), { withFileTypes: true, recursive: true })) {
    if (!entry.name.endsWith('.js')) continue;
    const path = join(entry.parentPath, entry.name);
    writeFileSync(path, shrink(readFileSync(path, 'utf8')));
  }
}
