/** What a result was measured on: machine, Node, and what 128-bit arithmetic can reach there. */
import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { createMemory } from '../build/src/runtime/wasm.js';

/** Vector extensions that the CPU reports, where the system tells them. */
function cpuFlags() {
  try {
    const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].split(' ') ?? [];
    return flags.filter((flag) => ['avx', 'avx2', 'fma', 'avx512f', 'avx512_vnni', 'asimd'].includes(flag));
  } catch {
    return [];
  }
}

export function describeMachine() {
  const cores = cpus();
  return {
    cpu: cores[0]?.model ?? 'unknown',
    cores: cores.length,
    cpuFlags: cpuFlags(),
    load: loadavg(),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    v8: process.versions.v8,
    wasm: 'simd128, no relaxed SIMD',
  };
}

export function printMachine(machine) {
  console.log(
    `${machine.cpu}, ${machine.cores} cores, ${machine.platform}, ${machine.cpuFlags.join(' ') || 'no flags known'}`,
  );
  console.log(`load before the run: ${machine.load.map((load) => load.toFixed(1)).join(' ')} (1, 5, 15 minutes)`);
  if (machine.load[0] > machine.cores / 4) {
    console.log('other programs are running: calls of several milliseconds are interrupted, and their ratios move');
  }
  console.log(`Node ${machine.node}, V8 ${machine.v8}, WASM ${machine.wasm}`);
}

/** Most GFLOP/s that 128-bit products and sums on registers reach, on one thread. */
export async function measurePeak() {
  const bytes = readFileSync(new URL('../build/bench/peak.wasm', import.meta.url));
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory: createMemory(1) } });
  const [steps, flopsPerStep] = [20_000, 24 * 4];
  let bestMs = Infinity;
  for (const end = performance.now() + 800; performance.now() < end; ) {
    const start = performance.now();
    instance.exports.peak(steps, 1, 0);
    bestMs = Math.min(bestMs, performance.now() - start);
  }
  return (steps * flopsPerStep) / bestMs / 1e6;
}
