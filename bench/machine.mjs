/** What a result was measured on: machine, Node, and what arithmetic and reads can reach there. */
import { readdirSync, readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { createMemory } from '../build/src/runtime/wasm.js';
import { supportsRelaxedSimd } from '../build/src/runtime/wasm-features.js';

/** Vector extensions that the CPU reports, where the system tells them. */
function cpuFlags() {
  try {
    const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].split(' ') ?? [];
    return flags.filter((flag) => ['avx', 'avx2', 'fma', 'avx512f', 'avx512_vnni', 'asimd'].includes(flag));
  } catch {
    return [];
  }
}

/** Sizes of the first core's caches, where the system tells them: `{ L1: '48K', .. }`. */
function cacheSizes() {
  const folder = '/sys/devices/system/cpu/cpu0/cache';
  const read = (index, name) => readFileSync(`${folder}/index${index}/${name}`, 'utf8').trim();
  try {
    const data = readdirSync(folder)
      .map((name) => /^index(\d+)$/.exec(name)?.[1])
      .filter((index) => index !== undefined && read(index, 'type') !== 'Instruction');
    return Object.fromEntries(data.map((index) => [`L${read(index, 'level')}`, read(index, 'size')]));
  } catch {
    return {};
  }
}

/** The smallest cache that holds so many bytes, which a call then finds there, since everything is warm. */
export function homeOf(bytes, caches = cacheSizes()) {
  const sizes = Object.entries(caches).map(([name, size]) => [
    name,
    parseInt(size, 10) * (/M$/.test(size) ? 2 ** 20 : 1024),
  ]);
  const fitting = sizes.filter(([, size]) => size >= bytes).sort(([, a], [, b]) => a - b);
  return fitting[0]?.[0] ?? (sizes.length > 0 ? 'memory' : 'unknown');
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
    wasm: supportsRelaxedSimd() ? 'simd128, relaxed SIMD' : 'simd128',
    caches: cacheSizes(),
    cacheState: 'warm: calls repeat on the same weights, and their inputs take turns',
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

async function loadPeak(memory, name = 'peak') {
  const bytes = readFileSync(new URL(`../build/bench/${name}.wasm`, import.meta.url));
  return (await WebAssembly.instantiate(bytes, { env: { memory } })).instance.exports;
}

/** Shortest time of a call, in milliseconds, over about `ms`. */
export function bestMs(call, ms) {
  let best = Infinity;
  for (const end = performance.now() + ms; performance.now() < end; ) {
    const start = performance.now();
    call();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

/**
 * Most GFLOP/s that arithmetic on registers reaches, on one thread: `gflops` by products and sums of 128 bits, `roof` by
 * what the build has (in the relaxed one both may be one instruction, and vectors may join to 256 bits), `dot` by dot
 * products of int16. A core's speed can double or halve for minutes, so one look would be compared with kernels at another
 * speed: it is looked at beside each, and the most counts.
 */
export async function openPeak({ build, tiles }) {
  const memory = createMemory(1);
  const { peak, peakDot } = await loadPeak(memory);
  const { peakFused } = build === 'relaxed' ? await loadPeak(memory, 'peak-fused') : {};
  const steps = 10_000;
  const most = { plain: 0, fused: 0, dot: 0 };
  const loops = [
    ['plain', () => peak(steps, 1), 56 * 4],
    ['dot', () => peakDot(steps, 1), 10 * 16],
    ...(peakFused ? [['fused', () => peakFused(steps, 1), 56 * 8]] : []),
  ];
  const look = (ms) => {
    for (const [name, run, flops] of loops) {
      most[name] = Math.max(most[name], (steps * flops) / bestMs(run, ms / loops.length) / 1e6);
    }
  };
  look(1600);
  return {
    look,
    get gflops() {
      return most.plain;
    },
    get roof() {
      return Math.max(most.plain, most.fused) * (tiles === 2 ? 2 : 1);
    },
    get dot() {
      return most.dot;
    },
  };
}

/** Most GB/s at which one thread reads `bytes` bytes again and again, from whatever cache holds them. */
export async function measureRead(bytes) {
  const whole = Math.floor(bytes / 192) * 192;
  const memory = createMemory(65536 + whole);
  // Pages that were never written share one page of zeros.
  new Uint8Array(memory.buffer).fill(1);
  const { read } = await loadPeak(memory);
  return whole / bestMs(() => read(65536, whole), 400) / 1e6;
}
