/** Runs the command line as a child process, the way a user does. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const main = join(root, 'build/src/cli/main.js');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface KerfOptions {
  readonly cwd?: string;
  readonly input?: Uint8Array | string;
  readonly env?: Readonly<Record<string, string>>;
  /** Sent once stderr or stdout shows the first output, or after `signalAfterMs`. */
  readonly signal?: NodeJS.Signals;
  readonly signalAfterMs?: number;
}

/** `kerf(['inspect', 'model.onnx'])`: ends with the exit code and both streams. */
export function kerf(words: readonly string[], options: KerfOptions = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...words], {
      cwd: options.cwd ?? root,
      env: { ...process.env, ...options.env },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.stdin.on('error', () => {});
    child.stdin.end(options.input);
    if (options.signal) setTimeout(() => child.kill(options.signal), options.signalAfterMs ?? 0);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** A folder for one test file's outputs, removed by the returned function. */
export function scratchFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'kerf-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** The digits net that the tests run on. */
export const digits = join(root, 'test/golden/digits/digits.onnx');

/** Asserts one coded sentence on stderr, the exit code, and nothing on stdout. */
export function assertRefused(ended: Ended, exitCode: number, code: string): void {
  assert.equal(ended.code, exitCode, ended.stderr);
  assert.match(ended.stderr, new RegExp(`^kerf: ${code}: [^\n]*[.!]\n$`));
  assert.equal(ended.stdout, '');
}

/** Asserts that a command succeeded, and gives what it printed with --json. */
export function jsonOf<T = Record<string, unknown>>(ended: Ended): T {
  assert.equal(ended.code, 0, ended.stderr);
  return JSON.parse(ended.stdout) as T;
}
