/**
 * Runs the benchmarks: `node scripts/bench.mjs [--quick] [kernels] [int8] [costs] [edges] [roofline] [latency] [threads] [cold] [peers] [layers] [decomposition] [blocks] [exact] [models] [evidence]`, all by default.
 * Tables go to stdout; every figure with its samples goes to bench/results/. `roofline`, where it is named, draws
 * docs/roofline.svg. A wrong result ends the run with exit 1.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);

const sections = [
  'kernels',
  'int8',
  'costs',
  'edges',
  'roofline',
  'latency',
  'threads',
  'cold',
  'peers',
  'layers',
  'decomposition',
  'blocks',
  'exact',
  'models',
  'evidence',
];
const args = process.argv.slice(2).filter((arg) => arg !== '--');
const unknown = args.find((arg) => arg !== '--quick' && !sections.includes(arg));
if (unknown) {
  process.stderr.write(`bench: unknown argument: got ${unknown}, expected --quick or one of ${sections.join(', ')}.\n`);
  process.exit(2);
}
const isQuick = args.includes('--quick');
const chosen = sections.filter((section) => args.includes(section));
const runs = (section) => chosen.length === 0 || chosen.includes(section);

mkdirSync('build/bench', { recursive: true });
for (const [name, target] of [
  ['peak', 'plain'],
  ['peak-fused', 'relaxed'],
]) {
  const files = [`bench/${name}.ts`, '--outFile', `build/bench/${name}.wasm`];
  const { error, stderr } = await asc.main([...files, '--config', 'asconfig.json', '--target', target]);
  if (!error) continue;
  process.stderr.write(`${stderr.toString()}\n`);
  process.exit(1);
}

const { describeMachine, openPeak, printMachine } = await import('../bench/machine.mjs');
const { linear, layers, structures } = JSON.parse(readFileSync('bench/shapes.json', 'utf8'));
const machine = describeMachine();
printMachine(machine);
const { hostKernels } = await import('../bench/kernel-module.mjs');
const peak = await openPeak(await hostKernels());
const result = { date: new Date().toISOString(), isQuick, machine };

if (runs('kernels')) {
  const { benchKernels } = await import('../bench/kernels.mjs');
  result.kernels = await benchKernels(linear, peak, { seconds: isQuick ? 0.3 : 2 });
}
if (runs('int8')) {
  const { benchInt8 } = await import('../bench/int8.mjs');
  result.int8 = await benchInt8({ rounds: isQuick ? 11 : 41, blockMs: isQuick ? 10 : 30, warmUpMs: 300 });
}
if (runs('costs')) {
  const { benchCosts } = await import('../bench/costs.mjs');
  result.costs = benchCosts({ rounds: isQuick ? 5 : 21, blockMs: isQuick ? 5 : 20 });
}
if (runs('edges')) {
  const { benchEdges } = await import('../bench/edges.mjs');
  result.edges = await benchEdges({ tries: isQuick ? 40 : 200 });
}
if (runs('roofline')) {
  const { benchRoofline } = await import('../bench/roofline.mjs');
  // A run of everything leaves the drawing of the documents as it is.
  const svgPath = chosen.includes('roofline') ? join('docs', 'roofline.svg') : null;
  result.roofline = await benchRoofline({ linear, layers }, peak, machine, { ms: isQuick ? 200 : 1000, svgPath });
}
if (runs('latency')) {
  const { benchLatency } = await import('../bench/latency.mjs');
  result.latency = await benchLatency({ calls: 20_000, blockMs: 20 });
}
if (runs('threads')) {
  const { benchThreads } = await import('../bench/threads.mjs');
  result.threads = await benchThreads({ rounds: isQuick ? 7 : 31, blockMs: isQuick ? 40 : 100 });
}
if (runs('cold')) {
  const { benchCold } = await import('../bench/cold.mjs');
  result.cold = await benchCold({ pairs: isQuick ? 15 : 61 });
}
if (runs('peers')) {
  const { benchPeers } = await import('../bench/peers.mjs');
  result.peers = await benchPeers(linear, { rounds: isQuick ? 11 : 41, blockMs: isQuick ? 10 : 30, warmUpMs: 300 });
}
if (runs('layers')) {
  const { benchLayers } = await import('../bench/layers.mjs');
  result.layers = await benchLayers(layers, { rounds: isQuick ? 7 : 31, blockMs: isQuick ? 30 : 100, warmUpMs: 300 });
}
if (runs('decomposition')) {
  const { benchDecomposition } = await import('../bench/decomposition.mjs');
  const options = { rounds: isQuick ? 7 : 31, blockMs: isQuick ? 8 : 20, batches: [1, 8, 32] };
  result.decomposition = benchDecomposition(structures, options);
  const { benchMethods } = await import('../bench/methods.mjs');
  result.methods = await benchMethods({ isQuick, rounds: isQuick ? 5 : 15, calls: isQuick ? 5 : 20 });
  const { benchCharacters } = await import('../bench/characters.mjs');
  if (!isQuick) result.characters = await benchCharacters();
}
if (runs('blocks')) {
  const { benchBlocks } = await import('../bench/blocks.mjs');
  result.blocks = await benchBlocks({ rounds: isQuick ? 7 : 31, blockMs: isQuick ? 10 : 30 });
}
if (runs('exact')) {
  const { benchExact } = await import('../bench/exact.mjs');
  result.exact = await benchExact({ rounds: isQuick ? 11 : 41, blockMs: isQuick ? 10 : 30 });
}

if (runs('models')) {
  const { benchModels } = await import('../bench/models.mjs');
  const options = { rounds: isQuick ? 15 : 61, blockMs: isQuick ? 10 : 30, warmUpMs: 300 };
  result.models = await benchModels(options);
}

if (runs('evidence')) {
  const { benchEvidence } = await import('../bench/evidence.mjs');
  result.evidence = benchEvidence({ rounds: isQuick ? 7 : 31, sizes: isQuick ? [1024] : [1024, 2048, 4096] });
}

result.peak = { gflops: peak.gflops, roof: peak.roof, dot: peak.dot };
const file = join('bench', 'results', `${result.date.replaceAll(/[:.]/g, '-')}.json`);
mkdirSync(dirname(file), { recursive: true });
// Paths inside the clone, so that a result says the same wherever it was made.
writeFileSync(file, `${JSON.stringify(result).replaceAll(`${root}/`, '')}\n`);
console.log(`\nsamples: ${file}`);
