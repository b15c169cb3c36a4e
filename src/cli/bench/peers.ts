import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The runtimes that kerf can be measured against. */
export const peerNames = ['onnxruntime-web', 'onnxruntime-node'] as const;

/** Folders whose node_modules may hold peers: the working directory, then the repository's bench folder. */
function places(): string[] {
  const repository = fileURLToPath(new URL('../../../../', import.meta.url));
  return [process.cwd(), join(repository, 'bench')];
}

/** The file that `require` loads for a peer; null when it is not installed. */
export function resolvePeer(name: string): string | null {
  for (const place of places()) {
    try {
      return createRequire(join(place, 'package.json')).resolve(name);
    } catch {
      // Not here; look in the next place.
    }
  }
  return null;
}

/** The version in the package.json above a resolved file. */
export function versionAbove(file: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const path = join(folder, 'package.json');
    const { version } = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { version?: string }) : {};
    if (version) return version;
  }
  return 'unknown';
}
