/**
 * Installs what is missing, and only that: the root packages always, then each folder named on the command line
 * (`test`, `examples`, `bench`), whose packages a newcomer does not need.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function isInstalled(folder) {
  // A link is somebody else's folder, which npm ci would empty.
  if (lstatSync(join(folder, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) return true;
  const installed = join(folder, 'node_modules', '.package-lock.json');
  const wanted = join(folder, 'package-lock.json');
  return existsSync(installed) && (!existsSync(wanted) || statSync(installed).mtimeMs >= statSync(wanted).mtimeMs);
}

for (const name of ['.', ...process.argv.slice(2)]) {
  const folder = join(root, name);
  if (isInstalled(folder)) continue;
  process.stderr.write(`installing packages of ${name === '.' ? 'kerf' : name} ...\n`);
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(status ?? 1);
  // Binaryen ships ten command line programs (82 MB); asc links its library and never runs them.
  if (name === '.') rmSync(join(folder, 'node_modules', 'binaryen', 'bin'), { recursive: true, force: true });
}
