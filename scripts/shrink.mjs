/**
 * Makes build/src ready to be published: JavaScript without comments and blanks (functions keep their names, so that
 * stacks can be read), and of the declarations those that the two public entries reach; docstrings in the files of which
 * they export something: what lies further is seen by compilers alone. Indents go.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'build', 'src');
const toolOf = createRequire(join(root, 'test', 'package.json'));
const isCode = (path) => /\.c?js$/.test(path);
const isDeclaration = (path) => /\.d\.c?ts$/.test(path);

const { transformSync } = toolOf('esbuild');
const { minify_sync: compressSync } = toolOf('terser');

/** No function is moved, and none loses its name; what is only read does nothing. */
const compress = {
  ...{ passes: 2, inline: false, reduce_funcs: false, pure_getters: true },
  ...{ keep_fnames: true, keep_classnames: true },
};

/** The same program in fewer bytes; what the first tool leaves is half a percent. */
export function shrink(code) {
  const options = { minify: true, target: 'es2023', charset: 'utf8' };
  const small = transformSync(code.replace(/\/\/# sourceMappingURL=.*\n?/, ''), options).code;
  return compressSync(small, { module: true, ecma: 2022, mangle: false, compress }).code;
}

/**
 * Declarations that the public entries reach, and how many imports away; what a file exports of another one is as near as
 * its own.
 */
function publicDeclarations() {
  const found = new Map();
  const visit = (path, distance) => {
    if (found.get(path) <= distance) return;
    found.set(path, distance);
    const code = readFileSync(path, 'utf8');
    for (const [statement, name] of code.matchAll(/(?:(?:ex|im)port [^;'"]*from |import\()['"](\.[^'"]+)\.js['"]/g)) {
      visit(`${join(dirname(path), name)}.d.ts`, statement.startsWith('export') ? distance : distance + 1);
    }
  };
  for (const name of ['index.d.ts', 'runtime/index.d.ts']) visit(join(folder, name), 0);
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
      files.set(name, declarations.get(path) > 0 ? withoutDocstrings(code) : code);
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
