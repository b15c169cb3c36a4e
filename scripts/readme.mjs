/**
 * Puts the figures of this machine into the README: `npm run readme` runs the demo and the quick benchmarks, and copies
 * parts of what they print between the markers `<!-- name -->` and `<!-- /name -->`. No figure is written by hand.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function outputOf(script, ...words) {
  const { stdout, status } = spawnSync('npm', ['run', '--silent', script, ...words], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) process.exit(status ?? 1);
  return stdout;
}

/** The lines from the one that starts with `first` to the one before `last` starts. */
function between(text, first, last) {
  const lines = text.split('\n');
  const from = lines.findIndex((line) => line.startsWith(first));
  const to = lines.findIndex((line, i) => i > from && line.startsWith(last));
  if (from < 0 || to < 0) throw new Error(`no lines from "${first}" to "${last}" in the output`);
  return lines.slice(from, to).join('\n').trim();
}

const demo = outputOf('demo');
const bench = outputOf('bench', '--', '--quick');
const blocks = {
  detector: between(demo, 'What training changed', '2. '),
  digits: between(demo, 'Before and after', 'Done'),
  layers: between(bench, 'Linear layers', 'A 1024'),
  exact: between(bench, 'Exact tier', 'Decomposed packages'),
  networks: between(bench, 'How much faster', 'samples'),
};

const path = join(root, 'README.md');
let readme = readFileSync(path, 'utf8');
for (const [name, text] of Object.entries(blocks)) {
  const marked = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(<!-- /${name} -->)`);
  if (!marked.test(readme)) throw new Error(`README.md has no markers for "${name}"`);
  readme = readme.replace(marked, (_, open, close) => `${open}\`\`\`\n${text}\n\`\`\`\n${close}`);
}
writeFileSync(path, readme);
