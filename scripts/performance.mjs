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

/** How much longer the web's layer takes, by name. */
function webRatio({ peers }, name) {
  const contenders = peers?.results.find((shape) => shape.name === name)?.contenders;
  return contenders?.find((contender) => contender.name === 'onnxruntime-web')?.ratio.median;
}

const cubes = ['cube-256', 'cube-512', 'cube-1024'];

/** Rows of a run of linear layers: what is asked of its build, and what it reached. */
function layerRows(title, { kernels, peers, peakGflops }, [askedWeb, askedPeak, askedRow]) {
  const of = (name) => kernels.find((shape) => shape.name === name);
  const row = of('bert-ffn-row');
  const span = (values) => `${values[0]} to ${values.at(-1)}`;
  const ratios = cubes.map((name) => webRatio({ peers }, name)).sort((a, b) => a - b);
  const shares = cubes.map((name) => of(name).gflops / peakGflops).sort((a, b) => a - b);
  const rowRatio = webRatio({ peers }, 'bert-ffn-row');
  return [
    [`${title}: 256^3 to 1024^3 over onnxruntime-web`, askedWeb, span(ratios.map(times))],
    [`${title}: share of the 128-bit products and sums`, askedPeak, span(shares.map(percent))],
    [
      `${title}: row 768x3072 over onnxruntime-web`,
      askedRow,
      `${times(rowRatio)}; it reads its weights at ${percent(row.gbps / row.readGbps)} of what this machine reads`,
    ],
  ];
}

/** int8 layers over float32 ones: throughput and bytes. */
function int8Rows({ int8 }) {
  return int8.map(({ M, K, N, ratio, bytes }) => [
    `int8 weights over float32, ${M}x${K}x${N}`,
    M === N ? '>= 1.8x, a quarter of the bytes' : '-',
    `${times(ratio.median)}, ${percent(bytes.int8 / bytes.f32)} of the bytes`,
  ]);
}

function otherRows({ edges, latency, threads, cold }) {
  const worst = Math.min(...edges.map(({ ratio }) => ratio));
  const [own, web, node, tfjs] = latency.results;
  const slowest = Math.max(...threads.choices.map(({ autoOverBetter }) => autoOverBetter.median));
  const difference = (name) => median(cold.samples.map(({ bare, kerf }) => kerf[name] - bare[name])).toFixed(1);
  return [
    ['slowest of the sizes 1 to 65 beside its padded neighbour', '>= 0.8x', times(worst)],
    ['MLP 784-256-10, one row, over onnxruntime-web', '>= 2.5x', times(web.ratio.median)],
    ['the same over onnxruntime-node', '>= 2x', times(node.ratio.median)],
    ['the same over tfjs-wasm', '>= 4x', times(tfjs?.ratio.median)],
    ['its 99th percentile against onnxruntime-web', '>= 5x', times(web.p99Ms / own.p99Ms)],
    [
      'fork and join of runSync: two parts of no work, two that are shared',
      '<= 12 us',
      threads.forkJoin.map(({ beyondMs }) => `${(1000 * beyondMs).toFixed(1)} us`).join(', '),
    ],
    ['processor time of idle threads', '0', percent(threads.forkJoin[1].idleCpuShare)],
    ['two threads, 512^3, beside two processes', '>= 0.9', times(threads.processes.median)],
    ['auto threads, worst layer, beside the better of one and all', '<= 1.05x', times(slowest)],
    [
      'cold start over bare Node',
      '<= +10 ms',
      `+${difference('wallMs')} ms, +${difference('cpuMs')} ms of processor time`,
    ],
    ['its memory', '<= +8 MiB', `+${difference('rssMiB')} MiB`],
    ['kerf/runtime for linear packages, compressed', '<= 16 KB', `${(cold.coreGzipBytes / 1024).toFixed(1)} KB`],
    ['with all chunks', '<= 40 KB', `${(cold.gzipBytes / 1024).toFixed(1)} KB`],
  ];
}

const main = bench(process.execPath, ['kernels', 'int8', 'edges', 'roofline', 'latency', 'threads', 'cold', 'peers']);
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
  ...otherRows(main.result),
];
const block = (tables) => `\`\`\`\n${tables}\n\`\`\`\n`;
writeFileSync(
  join(root, 'docs', 'performance.md'),
  `# Performance

Written by \`npm run performance\`${quick.length ? ', in its quick form' : ''}. Ratios are medians of calls that take turns, each contender in its own process, after the results were checked. The peak is what a loop on registers reaches, to within some percent; shares far above 100 % are those of the relaxed build, where a product and its sum are one instruction. A row of inputs costs the reading of the weights; at the speed at which the machine reads there is nothing left to gain.

| figure | asked | reached |
|---|---|---|
${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}

![Roofline of kernels and layers](roofline.svg)

Points are calls of kernels alone and of sessions with one layer; the roofs are what this machine computes and reads. A point may lie above the roof of slow reads, since its weights stay in a cache.

## Node ${main.result.machine.node}

${block(main.tables)}
${measured.map(({ relaxed, title }) => `## Node ${relaxed.result.machine.node}, ${title}\n\n${block(relaxed.tables)}`).join('\n')}`,
);
