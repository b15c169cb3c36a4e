/**
 * Writes docs/performance.md from benchmarks of this machine: `npm run performance [-- --quick] [-- NODE ..]`.
 * Every NODE is the path of another Node, on which the linear layers are measured too, with its own builds of the
 * kernels and with `revectorize` where it pays. No figure is written by hand.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const words = process.argv.slice(2).filter((word) => word !== '--');
const quick = words.filter((word) => word === '--quick');
const nodes = words.filter((word) => word !== '--quick');

/** Runs sections of the benchmarks; their tables and their result file, or null where the host refuses. */
function bench(node, sections, env = {}) {
  const { stdout, status } = spawnSync(node, ['scripts/bench.mjs', ...quick, ...sections], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) return null;
  const [tables, file] = stdout.trim().split('\n\nsamples: ');
  return { tables, result: JSON.parse(readFileSync(join(root, file), 'utf8')) };
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const percent = (value) => `${(100 * value).toFixed(0)} %`;
const times = (value) => (value === undefined ? 'not measured' : `${value.toFixed(2)}x`);

/** Milliseconds of the fastest call: limits are fastest calls too, and a machine that is shared slows medians alone. */
const fastest = (blocks) => Math.min(...blocks.flat());

const cubes = ['cube-256', 'cube-512', 'cube-1024'];
const span = (values, format) => {
  const sorted = [...values].sort((a, b) => a - b);
  return `${format(sorted[0])} to ${format(sorted.at(-1))}`;
};

/** Rows of a run of linear layers: what is asked of its build, what it reached, and what a kernel at its roof would. */
function layerRows(title, { kernels, peers, peak }, [askedWeb, askedPeak, askedRow]) {
  const kernelOf = (name) => kernels.find((shape) => shape.name === name);
  const web = (name) => {
    const { M, K, N, contenders } = peers.results.find((shape) => shape.name === name);
    const { ratio, blocks } = contenders.find((one) => one.name === 'onnxruntime-web');
    const webMs = fastest(blocks);
    return { ratio: ratio.median, webMs, webGflops: (2 * M * K * N) / webMs / 1e6 };
  };
  const row = kernelOf('bert-ffn-row');
  const [all, rowWeb] = [cubes.map(web), web('bert-ffn-row')];
  const shares = cubes.map((name) => kernelOf(name).gflops);
  const ofRoof = span(
    shares.map((gflops) => gflops / peak.roof),
    percent,
  );
  // Weights are read once a call: gbps * fastestMs are their bytes.
  const readMs = (row.gbps * row.fastestMs) / row.readGbps;
  return [
    [
      `${title}: 256^3 to 1024^3 over onnxruntime-web`,
      askedWeb,
      span(
        all.map(({ ratio }) => ratio),
        times,
      ),
      `${span(
        all.map(({ webGflops }) => peak.roof / webGflops),
        times,
      )} at ${peak.roof.toFixed(1)} GFLOP/s`,
    ],
    [
      `${title}: share of the 128-bit products and sums`,
      askedPeak,
      span(
        shares.map((gflops) => gflops / peak.gflops),
        percent,
      ),
      peak.roof === peak.gflops
        ? '100 %'
        : `its own instructions do ${percent(peak.roof / peak.gflops)}; of these, ${ofRoof}`,
    ],
    [
      `${title}: row 768x3072 over onnxruntime-web`,
      askedRow,
      times(rowWeb.ratio),
      `${times(rowWeb.webMs / readMs)} at the ${row.readGbps.toFixed(0)} GB/s of reads; the kernel reads at ${percent(row.gbps / row.readGbps)} of that`,
    ],
  ];
}

/** int8 layers over float32 ones: throughput and bytes. */
function int8Rows({ int8, kernels, peak }) {
  const { gflops } = kernels.find((shape) => shape.name === 'cube-512');
  return int8.map(({ M, K, N, ratio, bytes }) => [
    `int8 weights over float32, ${M}x${K}x${N}`,
    M === N ? '>= 1.8x, a quarter of the bytes' : '-',
    `${times(ratio.median)}, ${percent(bytes.int8 / bytes.f32)} of the bytes`,
    M === N ? `${times(peak.dot / gflops)} where nothing but dot products is done` : '-',
  ]);
}

const layerGoals = { conv: '>= 1.3x', attention: '>= 1.3x', recurrent: '>= 1.5x' };

/** Other layers over the web. */
function otherLayerRows({ layers }) {
  return layers.results.map(({ name, kind, productsMs, contenders: [, web] }) => [
    `${name} over onnxruntime-web`,
    layerGoals[kind],
    times(web.ratio.median),
    productsMs > 0 ? `${times(fastest(web.blocks) / productsMs)} for the products alone` : '-',
  ]);
}

function otherRows({ edges, latency, threads, cold, roofline }) {
  const worst = Math.min(...edges.map(({ ratio }) => ratio));
  const [own, web, node, tfjs] = latency.results;
  const slowest = Math.max(...threads.choices.map(({ autoOverBetter }) => autoOverBetter.median));
  const difference = (name, who = 'kerf') =>
    median(cold.samples.map((sample) => sample[who][name] - sample.bare[name])).toFixed(1);
  const bytes = 4 * (784 * 256 + 256 * 10);
  const readMs = bytes / roofline.reads.find((read) => read.bytes >= bytes).gbps / 1e6;
  const atReads = (peer) =>
    peer ? `${times(Math.min(...peer.samplesMs) / readMs)} where nothing but the weights is read` : '-';
  return [
    ['slowest of the sizes 1 to 65 beside its padded neighbour', '>= 0.8x', times(worst), '-'],
    ['MLP 784-256-10, one row, over onnxruntime-web', '>= 2.5x', times(web.ratio.median), atReads(web)],
    ['the same over onnxruntime-node', '>= 2x', times(node.ratio.median), atReads(node)],
    ['the same over tfjs-wasm', '>= 4x', times(tfjs?.ratio.median), atReads(tfjs)],
    [
      'its 99th percentile against onnxruntime-web',
      '>= 5x',
      times(web.p99Ms / own.p99Ms),
      `${times(web.p99Ms / own.medianMs)} if no call of kerf were interrupted`,
    ],
    [
      'fork and join of runSync: two parts of no work, two that are shared',
      '<= 12 us',
      threads.forkJoin.map(({ beyondMs }) => `${(1000 * beyondMs).toFixed(1)} us`).join(', '),
      `a sleeping thread wakes after ${(1000 * threads.wakeMs).toFixed(1)} us`,
    ],
    ['processor time of idle threads', '0', percent(threads.forkJoin[1].idleCpuShare), '-'],
    [
      'two threads, 512^3, beside two processes',
      '>= 0.9',
      times(threads.processes.median),
      `${times(threads.processes.slower)} for two processes that wait for each other`,
    ],
    ['auto threads, worst layer, beside the better of one and all', '<= 1.05x', times(slowest), '-'],
    [
      'cold start over bare Node',
      '<= +10 ms',
      `+${difference('wallMs')} ms, +${difference('cpuMs')} ms of processor time`,
      `+${difference('wallMs', 'floor')} ms, +${difference('cpuMs', 'floor')} ms for an empty module, the package read and the kernels compiled`,
    ],
    ['its memory', '<= +8 MiB', `+${difference('rssMiB')} MiB`, `+${difference('rssMiB', 'floor')} MiB for these`],
    ['kerf/runtime for linear packages, compressed', '<= 16 KB', `${(cold.coreGzipBytes / 1024).toFixed(1)} KB`, '-'],
    ['with all chunks', '<= 40 KB', `${(cold.gzipBytes / 1024).toFixed(1)} KB`, '-'],
  ];
}

const main = bench(process.execPath, [
  'kernels',
  'int8',
  'edges',
  'roofline',
  'latency',
  'threads',
  'cold',
  'peers',
  'layers',
]);
if (!main) process.exit(1);
const linear = ['kernels', 'peers'];
const others = nodes.flatMap((node) => [
  { relaxed: bench(node, linear), title: 'relaxed', asked: ['>= 2.25x', '>= 90 %', '>= 2x'] },
  { relaxed: bench(node, linear, { KERF_BENCH_REVECTORIZE: '1' }), title: 'revectorized', asked: ['>= 4x', '-', '-'] },
]);
const measured = others.filter(({ relaxed }) => relaxed);
const rows = [
  ...layerRows(`Node ${main.result.machine.node}`, main.result, ['>= 2.0x', '>= 80 %', '>= 1.8x']),
  ...measured.flatMap(({ relaxed: { result }, title, asked }) =>
    layerRows(`Node ${result.machine.node}, ${title}`, result, asked),
  ),
  ...int8Rows(main.result),
  ...otherLayerRows(main.result),
  ...otherRows(main.result),
];
const block = (tables) => `\`\`\`\n${tables}\n\`\`\`\n`;
writeFileSync(
  join(root, 'docs', 'performance.md'),
  `# Performance

Written by \`npm run performance\`${quick.length ? ', in its quick form' : ''}. Ratios are medians of calls that take turns, each contender in its own process, after the results were checked. The last column is what this machine allows, measured in the same run: arithmetic on registers alone, reads alone, an empty module, a thread that only wakes. Where it lies below what is asked, nothing could reach that here; a peer that is itself near the roof cannot be beaten by more than the rest.

| figure | asked | reached | the most that this machine allows |
|---|---|---|---|
${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}

![Roofline of kernels and layers](roofline.svg)

Points are calls of kernels alone and of sessions with one layer; the roofs are what this machine computes and reads. A point may lie above the roof of slow reads, since its weights stay in a cache.

## Node ${main.result.machine.node}

${block(main.tables)}
${measured.map(({ relaxed, title }) => `## Node ${relaxed.result.machine.node}, ${title}\n\n${block(relaxed.tables)}`).join('\n')}`,
);
