import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

function numbersIn(path: string): number[] {
  try {
    return readFileSync(path, 'utf8').trim().split(/\s+/).map(Number);
  } catch {
    return [];
  }
}

/** Cores that the processor quota of a container amounts to; infinite without a quota. */
export function quotaCores(): number {
  const [quota, period] = numbersIn('/sys/fs/cgroup/cpu.max');
  if (quota > 0 && period > 0) return quota / period;
  const [legacyQuota] = numbersIn('/sys/fs/cgroup/cpu/cpu.cfs_quota_us');
  const [legacyPeriod] = numbersIn('/sys/fs/cgroup/cpu/cpu.cfs_period_us');
  return legacyQuota > 0 && legacyPeriod > 0 ? legacyQuota / legacyPeriod : Number.POSITIVE_INFINITY;
}

/** Cores that this process may keep busy, by affinity and container quota; at least 1. */
export function allowedCores(): number {
  return Math.max(1, Math.floor(Math.min(availableParallelism(), quotaCores())));
}
