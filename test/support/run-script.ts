import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder, from build/test/support/. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');

/** Runs an ES module text in a fresh Node process; rejects when it fails or lasts longer than `timeoutMs`. */
export function runScript(text: string, timeoutMs = 20_000): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const options = { cwd: root, timeout: timeoutMs };
    execFile(process.execPath, ['--input-type=module', '-e', text], options, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stderr}`, { cause: error }));
      else resolve({ stdout, stderr });
    });
  });
}
