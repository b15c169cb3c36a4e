/**
 * Makes build/src ready to be published: JavaScript without comments and blanks (functions keep their names, so that
 * stacks can be read), and of the declarations those that the two public entries reach; docstrings where they are at most
 * two imports away: what lies further is seen by compilers alone. Indents go.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'build', 'src');
const isCode = (path) => /\.c?js$/.test(path);
const isDeclaration = (path) => /\.d\.c?ts$/.test(path);

/** The same program in fewer bytes. */
export function shrink(code) {
  const esbuild = createRequire(join(root, 'test', 'package.json'))('esbuild');
  const options = { minify: true, target: 'es2023', charset: 'utf8' };
  return esbuild.transformSync(code.replace(/\/\/# sourceMappingURL=.*\n?/, ''), options).code;
}

/** Declarations that the public entries import, directly or not, and how many imports away. */
function publicDeclarations() {
  const found = new Map(['index.d.ts', 'runtime/index.d.ts'].map((name) => [join(folder, name), 0]));
  for (const [path, distance] of found) {
    for (const [, name] of readFileSync(path, 'utf8').matchAll(/(?:from|import)\s*\(?['"](\.[^'"]+)\.js['"]/g)) {
      const imported = `${join(dirname(path), name)}.d.ts`;
      if (!found.has(imported)) found.set(imported, distance + 1);
    }
  }
  return found;
}

const withoutIndents = (code) => code.replaceAll(/^ +/gm, '');

const withoutDocstrings = (code) => code.replaceAll(/\s*\/\*\*.*?\*\//gs, '');

/**
 * What is published of build/src.
 * @returns contents by path relative to the repository; null for a file that is left out
 */
export function publishedFiles() {
  const declarations = publicDeclarations();
  const files = new Map();
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(root, path);
    if (isCode(path)) files.set(name, shrink(readFileSync(path, 'utf8')));
    else if (isDeclaration(path) && !declarations.has(path)) files.set(name, null);
    else if (isDeclaration(path)) {
      const code = withoutIndents(readFileSync(path, 'utf8'));
      files.set(name, declarations.get(path) > 2 ? withoutDocstrings(code) : code);
    }
  }
  return files;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [path, content] of publishedFiles()) {
    if (content === null) rmSync(join(root, path));
    else writeFileSync(join(root, path), content);
  }
}
