/** Which of the detector's languages a file name stands for. Names that stand for two of them are left out (.h, .m, .v). */

const extensions: Readonly<Record<string, string>> = {
  asm: 'asm',
  bat: 'bat cmd',
  c: 'c',
  cs: 'cs',
  cpp: 'cpp cc cxx hpp hh',
  clj: 'clj cljs',
  cmake: 'cmake',
  cbl: 'cbl cob',
  coffee: 'coffee',
  css: 'css',
  csv: 'csv',
  dart: 'dart',
  ex: 'ex exs',
  erl: 'erl',
  f90: 'f90 f95',
  go: 'go',
  groovy: 'groovy gradle',
  hs: 'hs',
  html: 'html htm',
  ini: 'ini cfg',
  java: 'java',
  js: 'js mjs cjs jsx',
  json: 'json',
  jl: 'jl',
  kt: 'kt kts',
  lisp: 'lisp',
  lua: 'lua',
  md: 'md markdown',
  mm: 'mm',
  ml: 'ml',
  pas: 'pas',
  pm: 'pm pl',
  php: 'php',
  ps1: 'ps1 psm1',
  py: 'py',
  r: 'r',
  rb: 'rb gemspec podspec',
  rs: 'rs',
  scala: 'scala',
  sh: 'sh bash',
  sql: 'sql',
  swift: 'swift',
  tex: 'tex',
  toml: 'toml',
  ts: 'ts mts cts tsx',
  vba: 'vba bas',
  xml: 'xml xsd',
  yaml: 'yaml yml',
};

const languageOfExtension = new Map(
  Object.entries(extensions).flatMap(([language, list]) => list.split(' ').map((ext) => [ext, language] as const)),
);

const languageOfName: ReadonlyMap<string, string> = new Map([
  ['makefile', 'makefile'],
  ['dockerfile', 'dockerfile'],
  ['cmakelists.txt', 'cmake'],
]);

/** @returns the detector's name of the language, or undefined */
export function languageOf(fileName: string): string | undefined {
  const name = fileName.toLowerCase();
  return languageOfName.get(name) ?? languageOfExtension.get(name.slice(name.lastIndexOf('.') + 1));
}
