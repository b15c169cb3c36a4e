/** A file larger than what may be in memory: tensors are read one at a time. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { safetensorsHeader } from '../support/safetensors.js';
import { root } from './kerf.js';

const MiB = 2 ** 20;
const tensorBytes = 16 * MiB;
const tensorCount = 14;
const [rows, columns] = [64, tensorBytes / 4 / 64];
/** Writes the peak of its process to stderr at the end. */
const watch = `data:text/javascript,process.on('exit',()=>process.stderr.write('peak '+process.resourceUsage().maxRSS))`;

describe('kerf analyze, on a large file', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kerf-large-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('stays under three times the largest tensor and 200 MiB, and says the same, on one thread and on two', async () => {
    assert.equal(await measure(1), await measure(2));
  });

  /** What it prints. */
  async function measure(threads: number): Promise<string> {
    const path = join(folder, 'large.safetensors');
    const entries = Array.from({ length: tensorCount }, (_, i) => {
      const offsets = [i * tensorBytes, (i + 1) * tensorBytes];
      return [`layer${i}.weight`, { dtype: 'F32', shape: [rows, columns], data_offsets: offsets }] as const;
    });
    const header = safetensorsHeader(Object.fromEntries(entries));
    writeFileSync(path, header);
    // Zeros that take no room on the disk.
    truncateSync(path, header.length + tensorCount * tensorBytes);
    const main = join(root, 'build/src/cli/main.js');
    const words = [
      '--import',
      watch,
      main,
      'analyze',
      path,
      '--init',
      'torch-linear',
      '--threads',
      `${threads}`,
      '--json',
    ];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, words, { maxBuffer: 64 * MiB });
    const { tensors } = JSON.parse(stdout);
    assert.equal(tensors.length, tensorCount);
    assert.ok(tensors.every(({ verdict }: { verdict: string }) => verdict !== 'initialisation'));
    const peakBytes = 1024 * Number(/peak (\d+)$/.exec(stderr)?.[1]);
    const most = 3 * tensorBytes + 200 * MiB;
    assert.ok(peakBytes < most, `got ${peakBytes / MiB} MiB, expected < ${most / MiB} MiB on ${threads} threads`);
    return stdout;
  }
});
