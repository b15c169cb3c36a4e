/** The layer table of DESIGN.md, enforced: who imports whom, what the runtime may touch, nothing happens at import. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const src = join(root, 'src');

/** Folder -> folders it may import; what those may import is allowed too. */
const table: Record<string, readonly string[]> = {
  runtime: [],
  threads: ['runtime'],
  graph: ['runtime'],
  model: ['graph'],
  evidence: ['graph', 'threads'],
  annealing: ['evidence'],
  parts: ['annealing'],
  plan: ['parts'],
  package: ['plan'],
  executors: ['threads', 'runtime'],
  pipeline: ['package', 'executors', 'model'],
  report: ['pipeline'],
  demo: ['report'],
  cli: ['demo'],
};

/** Files directly in src/ are the pipeline: the one place that wires the stages. */
function layerOf(path: string): string {
  const [folder, ...rest] = relative(src, path).split('/');
  return rest.length === 0 ? 'pipeline' : folder;
}

function reachable(layer: string): Set<string> {
  const seen = new Set([layer]);
  for (const one of seen) for (const next of table[one] ?? []) seen.add(next);
  return seen;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourceFiles(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

/** Comments out, so that an import in an example is not one. */
function codeOf(path: string): string {
  return readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
}

function importsOf(path: string): string[] {
  const statements = /(?:^|\n)\s*(?:import|export)\b[^'";]*?\bfrom\s*'([^']+)'|\bimport\s*\(?\s*'([^']+)'/g;
  return [...codeOf(path).matchAll(statements)].map((match) => match[1] ?? match[2]);
}

describe('import direction', () => {
  const files = sourceFiles(src);

  it('knows every folder of src', () => {
    const unknown = [...new Set(files.map(layerOf))].filter((layer) => !(layer in table));
    assert.deepEqual(unknown, [], 'add the folder to the table here and in DESIGN.md');
    assert.ok(files.length > 10);
  });

  it('follows the layer table', () => {
    const wrong = files.flatMap((path) =>
      importsOf(path)
        .filter((name) => name.startsWith('.'))
        .map((name) => layerOf(join(dirname(path), name)))
        .filter((layer) => !reachable(layerOf(path)).has(layer))
        .map((layer) => `${relative(src, path)} imports ${layer}`),
    );
    assert.deepEqual(wrong, []);
  });

  it('keeps the runtime free of Node and of packages', () => {
    const allowed = (name: string) => name.startsWith('.') || name.startsWith('#') || name === '@assemblyscript/loader';
    const wrong = files
      .filter((path) => layerOf(path) === 'runtime')
      .flatMap((path) =>
        importsOf(path)
          .filter((name) => !allowed(name))
          .map((name) => `${relative(src, path)}: ${name}`),
      );
    assert.deepEqual(wrong, []);
  });

  it('keeps kernels free of TypeScript sources, and statistics out of the runtime module', () => {
    const wrong = sourceFiles(join(root, 'assembly'))
      .flatMap((path) => importsOf(path).map((name) => join(dirname(path), name)))
      .filter((target) => relative(join(root, 'assembly'), target).startsWith('..'));
    assert.deepEqual(wrong, []);
  });

  it('does nothing at import: no statement outside declarations, but for loops that fill a table', () => {
    // Entries of a process or a worker are run, not imported.
    const entries = new Set(['cli/main.ts']);
    const isEntry = (path: string) => entries.has(relative(src, path)) || /[-/](worker|contender)\.ts$/.test(path);
    const statement =
      /^(?!import|export|const|let|function|async function|class|abstract class|interface|type|declare|enum|for \(|\}|\)|\]|@|\/\/|$)\S/;
    const wrong = files
      .filter((path) => !isEntry(path))
      .flatMap((path) =>
        topLevelLines(codeOf(path))
          .filter((line) => statement.test(line))
          .map((line) => `${relative(src, path)}: ${line}`),
      );
    assert.deepEqual(wrong, []);
  });
});

/** Lines that start a statement at depth 0, by counting brackets outside strings, templates and regular expressions. */
function topLevelLines(code: string): string[] {
  const lines: string[] = [];
  let depth = 0;
  let continued = false;
  for (const line of code.replace(/`(?:\\.|[^`\\])*`/g, '``').split('\n')) {
    const bare = line.replace(
      /'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\/(?![/*\s])(?:\\.|\[(?:\\.|[^\]])*\]|[^/\\\n])+\/[a-z]*/g,
      "''",
    );
    if (depth === 0 && !continued && /^\S/.test(line)) lines.push(line);
    depth += (bare.match(/[{([]/g)?.length ?? 0) - (bare.match(/[})\]]/g)?.length ?? 0);
    continued = depth === 0 && bare.trim() !== '' && !/[;}]\s*$/.test(bare);
  }
  return lines;
}
