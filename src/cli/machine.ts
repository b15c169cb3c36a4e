/** What the machine and the host offer to kerf. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { revectorize } from '../executors/revectorize.js';
import { sessionKernels } from '../executors/session-kernels.js';
import type { Machine } from '../report/machine.js';
import { supportsRelaxedSimd, supportsSimd, supportsThreads } from '../runtime/wasm-features.js';
import { allowedCores, quotaCores } from '../threads/allowed-cores.js';
import { version } from '../version.js';

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

/** Folders of this process's control groups, innermost first, for version 2 or the named controller of version 1. */
function cgroupFolders(controller: string): string[] {
  const lines = (readOrNull('/proc/self/cgroup') ?? '').split('\n').map((line) => line.split(':'));
  const unified = lines.find(([id]) => id === '0')?.[2] ?? '/';
  const legacy = lines.find(([, names]) => names?.split(',').includes(controller))?.[2] ?? '/';
  return [
    `/sys/fs/cgroup${unified}`,
    '/sys/fs/cgroup',
    `/sys/fs/cgroup/${controller}${legacy}`,
    `/sys/fs/cgroup/${controller}`,
  ];
}

function cgroupMemoryBytes(): number | null {
  for (const folder of cgroupFolders('memory')) {
    for (const file of ['memory.max', 'memory.limit_in_bytes']) {
      const limit = Number(readOrNull(`${folder}/${file}`) ?? Number.NaN);
      if (limit > 0 && limit < totalmem()) return limit;
    }
  }
  return null;
}

function peerVersion(name: string): string | null {
  try {
    const require = createRequire(`${process.cwd()}/package.json`);
    return (require(`${name}/package.json`) as { version: string }).version;
  } catch {
    return null;
  }
}

export async function examineMachine(): Promise<Machine> {
  const quota = quotaCores();
  return {
    kerf: version(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    simd: supportsSimd(),
    relaxedSimd: supportsRelaxedSimd(),
    kernels: (await sessionKernels(undefined)).own.build,
    revectorizeGain: (await revectorize())?.gain ?? null,
    threads: supportsThreads() && typeof SharedArrayBuffer === 'function',
    cores: {
      present: cpus().length,
      affinity: availableParallelism(),
      cgroup: Number.isFinite(quota) ? quota : null,
      usable: allowedCores(),
    },
    memory: { totalBytes: totalmem(), cgroupBytes: cgroupMemoryBytes() },
    onnxruntimeNode: peerVersion('onnxruntime-node'),
  };
}
