/**
 * Real source files for the language detector: from the packages under node_modules, labelled by their names. At most a
 * few come from one package, since the files of a package resemble each other and would count as one.
 */
import { createHash } from 'node:crypto';
import { type Dirent, existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { languageOf } from './languages.js';

export interface SourceFile {
  readonly path: string;
  /** Name of the npm package. */
  readonly package: string;
  /** The detector's name of the language, by the file's name. */
  readonly language: string;
  readonly text: string;
}

export interface SourceOptions {
  /** Most files of one package. Default: 8. */
  readonly perPackage?: number;
  /** Most files of one language in one package. Default: 3. */
  readonly perLanguage?: number;
}

/** Shorter files tell little; longer ones are bundles. */
const minCharacters = 200;
const maxBytes = 1 << 20;
/** Longest mean line of text that a person wrote. */
const maxMeanLine = 160;
/** Files looked at in one package. */
const maxCandidates = 20_000;

const byName = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function entriesOf(folder: string): Dirent[] {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !name.startsWith('.'));
  return entries.sort((a, b) => byName(a.name, b.name));
}

/** Packages below a node_modules folder, those inside packages too: name and folder. */
function* packagesIn(modules: string): Generator<[name: string, folder: string]> {
  if (!existsSync(modules)) return;
  for (const { name } of entriesOf(modules)) {
    const folder = realpathSync(join(modules, name));
    if (!statSync(folder).isDirectory()) continue;
    if (name.startsWith('@')) {
      for (const inner of entriesOf(folder)) yield [`${name}/${inner.name}`, realpathSync(join(folder, inner.name))];
      continue;
    }
    yield [name, folder];
    yield* packagesIn(join(folder, 'node_modules'));
  }
}

/** Paths of a package's files by language, in the order of their names. */
function filesByLanguage(folder: string): Map<string, string[]> {
  const files = new Map<string, string[]>();
  const open = [folder];
  for (let seen = 0; open.length > 0 && seen < maxCandidates; ) {
    const current = open.pop()!;
    for (const entry of entriesOf(current)) {
      seen++;
      const path = join(current, entry.name);
      if (entry.isDirectory() && entry.name !== 'node_modules') open.push(path);
      const language = entry.isFile() && !/\.min\./.test(entry.name) ? languageOf(entry.name) : undefined;
      if (language) files.set(language, [...(files.get(language) ?? []), path]);
    }
  }
  return new Map(
    [...files].sort(([a], [b]) => byName(a, b)).map(([language, paths]) => [language, paths.sort(byName)]),
  );
}

/** The text of a file that a person wrote, or undefined. */
function writtenText(path: string): string | undefined {
  if (statSync(path).size > maxBytes) return undefined;
  const text = readFileSync(path, 'utf8');
  const isWritten = text.length >= minCharacters && text.length / text.split('\n').length <= maxMeanLine;
  return isWritten && !text.includes('\0') ? text : undefined;
}

/** Takes up to `count` of the items, spread evenly, that `accept` turns into something. */
function takeSpread<T, R>(items: readonly T[], count: number, accept: (item: T) => R | undefined): R[] {
  const taken: R[] = [];
  const step = Math.max(1, Math.floor(items.length / count));
  // First every step-th item, then those between.
  for (let offset = 0; offset < step && taken.length < count; offset++) {
    for (let i = offset; i < items.length && taken.length < count; i += step) {
      const result = accept(items[i]);
      if (result !== undefined) taken.push(result);
    }
  }
  return taken;
}

/** One package's files: round by round one of each language, until there are enough. */
function* filesOfPackage(name: string, folder: string, options: Required<SourceOptions>): Generator<SourceFile> {
  const lists = [...filesByLanguage(folder)].map(([language, paths]) =>
    takeSpread(paths, options.perLanguage, (path): SourceFile | undefined => {
      const text = writtenText(path);
      return text === undefined ? undefined : { path, package: name, language, text };
    }),
  );
  let left = options.perPackage;
  for (let round = 0; round < options.perLanguage; round++) {
    for (const list of lists) if (round < list.length && left-- > 0) yield list[round];
  }
}

/**
 * Finds source files, in the order of package names; each package name and each text once.
 * @param folders  node_modules folders; those that do not exist are passed over
 * @example  findSourceFiles(['node_modules', 'examples/node_modules'])
 */
export function findSourceFiles(folders: readonly string[], options: SourceOptions = {}): SourceFile[] {
  const limits = { perPackage: 8, perLanguage: 3, ...options };
  const packages = new Map<string, string>();
  for (const [name, folder] of folders.flatMap((modules) => [...packagesIn(modules)])) {
    if (!packages.has(name)) packages.set(name, folder);
  }
  const files: SourceFile[] = [];
  const texts = new Set<string>();
  for (const [name, folder] of [...packages].sort(([a], [b]) => byName(a, b))) {
    for (const file of filesOfPackage(name, folder, limits)) {
      const hash = createHash('sha256').update(file.text).digest('hex');
      if (!texts.has(hash)) files.push(file);
      texts.add(hash);
    }
  }
  return files;
}
