/**
 * The table of costs by which `kerf decompose` compares structures: nanoseconds of the tiles of the linear layer, of a
 * step, of a call, and of numbers that are copied. Processor time on the plain kernels, the median of rounds that take
 * turns. `npm run bench -- costs` writes it to build/bench/costs.json; src/plan/costs.json is the one that ships.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCostTable } from '../build/src/cost-table.js';
import { buildPlan } from '../build/src/plan/build-plan.js';
import { CostModel, tileShapes } from '../build/src/plan/cost-model.js';
import { Tensor } from '../build/src/runtime/tensor.js';
import { createWasmExecutor } from '../build/src/runtime/wasm-executor.js';
import { folder, root } from './decompose.mjs';
import { loadKernels, packLinear } from './kernel-module.mjs';
import { randomFloats } from './linear-job.mjs';
import { median } from './statistics.mjs';
import { printTable } from './table.mjs';

/** Inputs of the two layers from which a tile's time for each input, and for itself, follow. */
const [few, many] = [32, 480];

/** Rows that a tile's height fills, and outputs: a panel alone, of full panels as many as stay in a near cache. */
const rowsOf = (height, outputs) => (height === (outputs <= 8 ? 4 : 2) ? 64 : height);
const outputsOf = (outputs) => (outputs === 16 ? 64 : outputs);

/** A call of the kernel on a layer. */
function linearCall(module, M, N, K) {
  const { kernels, workspace } = module;
  const panels = packLinear(module, randomFloats(N * K, 1, 0.1), randomFloats(N, 2), N, K);
  const [x, y] = [workspace.copyIn('float32', randomFloats(M * K, 3)), workspace.allocate('float32', M * N)];
  return () => kernels.f32_gemm(y.ptr, N, x.ptr, K, panels.ptr, M, N, K, 0, 0, 0, -Infinity, Infinity);
}

/** A layer of 2 MiB, and how many such layers a second-level cache hardly holds: as large as networks of cascades. */
const readLayer = { N: 512, K: 1024 };
const farLayers = 2;

/** Calls of the kernel on one row, on layers that take turns. */
function readCall(module, count) {
  const { kernels, workspace } = module;
  const { N, K } = readLayer;
  const [w, b] = [randomFloats(N * K, 1, 0.1), randomFloats(N, 2)];
  const layers = Array.from({ length: count }, () => packLinear(module, w, b, N, K));
  const [x, y] = [workspace.copyIn('float32', randomFloats(K, 3)), workspace.allocate('float32', N)];
  let next = 0;
  return () => kernels.f32_gemm(y.ptr, N, x.ptr, K, layers[next++ % count].ptr, 1, N, K, 0, 0, 0, -Infinity, Infinity);
}

/** Nodes that make a value of another, by name. */
const node = (op, inputs, output, attributes = {}, domain = '') => ({
  name: output,
  op,
  domain,
  inputs,
  outputs: [output],
  attributes: new Map(Object.entries(attributes)),
});

/** A call of a session on `rows` rows of a network that ends in a small layer, whose weights come first. */
function networkCall(rows, width, nodes, initializers) {
  const last = nodes.at(-1).outputs[0];
  const plan = buildPlan({
    name: 'costs',
    opset: 17,
    inputs: [{ name: 'x', dtype: 'float32', shape: [[[1, 'n']], width] }],
    outputs: [{ name: last, dtype: 'float32', shape: [[[1, 'n']], initializers[0][1].dims[0]] }],
    nodes,
    initializers: new Map(initializers),
    quantization: new Map(),
  });
  const executor = createWasmExecutor(plan);
  const feeds = { x: new Tensor('float32', randomFloats(rows * width, 5), [rows, width]) };
  return () => executor.runSync(feeds, {});
}

const weight = (name, out, inputs) => [name, new Tensor('float32', randomFloats(out * inputs, 6, 0.1), [out, inputs])];

/** A chain of layers of 4 units. */
function chain(length) {
  const names = Array.from({ length }, (_, i) => `y${i}`);
  const nodes = names.map((name, i) => node('Linear', [i === 0 ? 'x' : names[i - 1], 'w'], name, {}, 'kerf'));
  return networkCall(1, 4, nodes, [weight('w', 4, 4)]);
}

const [wide, batch, longChain] = [512, 64, 65];

/** What is measured in front of a layer: the node, the width that it makes, and the numbers that it moves. */
const movers = {
  gather: [node('Gather', ['x', 'i'], 'h', { axis: -1 }), wide / 2, (batch * wide) / 2],
  copy: [node('Concat', ['x', 'x'], 'h', { axis: -1 }), 2 * wide, 2 * batch * wide],
  other: [node('Add', ['x', 'x'], 'h'), wide, batch * wide],
};

/** Networks of one layer, with a mover in front of it and without, by name. */
function moverCalls() {
  const odd = Array.from({ length: wide / 2 }, (_, i) => BigInt(2 * i + 1 - (i % 3 === 0 ? 1 : 0)));
  const indices = ['i', new Tensor('int64', BigInt64Array.from(odd), [odd.length])];
  return Object.entries(movers).flatMap(([name, [mover, width]]) => {
    const layer = (from) => node('Linear', [from, 'w'], 'y', {}, 'kerf');
    const initializers = [weight('w', 4, width)];
    return [
      [`behind ${name}`, networkCall(batch, wide, [mover, layer('h')], [...initializers, indices])],
      [`without ${name}`, networkCall(batch, width, [layer('x')], initializers)],
    ];
  });
}

/** Nanoseconds of processor time that a call takes, over about `ms`. */
function time(call, ms) {
  const cpu = process.cpuUsage();
  const end = performance.now() + ms;
  let calls = 0;
  do {
    for (let i = 0; i < 16; i++) call();
    calls += 16;
  } while (performance.now() < end);
  const { user, system } = process.cpuUsage(cpu);
  return (1000 * (user + system)) / calls;
}

/** Medians of all calls, in turns. */
function timeAll(calls, { rounds, blockMs }) {
  const samples = new Map([...calls.keys()].map((name) => [name, []]));
  for (const call of calls.values()) time(call, 30);
  for (let round = 0; round < rounds; round++) {
    for (const [name, call] of calls) samples.get(name).push(time(call, blockMs));
  }
  return new Map([...samples].map(([name, list]) => [name, median(list)]));
}

const digits = (value) => Number(Math.max(0, value).toPrecision(3));

/** The two numbers of each tile. */
function tilesOf(times) {
  return tileShapes.map(([rows, outputs]) => {
    const tiles = (rowsOf(rows, outputs) / rows) * (outputsOf(outputs) / outputs);
    const [short, long] = [few, many].map((K) => times.get(`${rows} ${outputs} ${K}`) / tiles);
    const perInput = (long - short) / (many - few);
    return { rows, outputs, perInput: digits(perInput), each: digits(short - few * perInput) };
  });
}

/** The table, from the times of all calls. */
function tableOf(times) {
  const tiles = tilesOf(times);
  const model = new CostModel({ tiles });
  const step = (times.get('long chain') - times.get('layer')) / (longChain - 1) - model.linear(1, 4, 4);
  const call = times.get('layer') - model.linear(1, 4, 4) - step;
  const narrow = movers.gather[1];
  const port = (times.get('without gather') - call - step - model.linear(batch, 4, narrow)) / (batch * (narrow + 4));
  const moved = (name) => {
    const [, width, numbers] = movers[name];
    const ports = port * batch * (width - wide);
    return digits((times.get(`behind ${name}`) - times.get(`without ${name}`) + ports - step) / numbers);
  };
  return {
    version: 1,
    tiles,
    call: digits(call),
    step: digits(step),
    port: digits(port),
    gather: moved('gather'),
    copy: moved('copy'),
    far: digits((times.get('far') - times.get('near')) / (readLayer.N * readLayer.K)),
    other: moved('other'),
  };
}

/** @returns the table of this machine */
export function benchCosts(options) {
  const module = loadKernels();
  const calls = new Map();
  for (const [rows, outputs] of tileShapes) {
    for (const K of [few, many]) {
      calls.set(`${rows} ${outputs} ${K}`, linearCall(module, rowsOf(rows, outputs), outputsOf(outputs), K));
    }
  }
  calls.set('layer', chain(1));
  calls.set('long chain', chain(longChain));
  for (const [name, call] of moverCalls()) calls.set(name, call);
  calls.set('near', readCall(module, 1));
  calls.set('far', readCall(module, farLayers));
  const table = tableOf(timeAll(calls, options));
  const path = join(folder, 'costs.json');
  writeFileSync(path, `${JSON.stringify(table, null, 1)}\n`);
  readCostTable(readFileSync(path), path);
  print(table, readCostTable(readFileSync(join(root, 'src', 'plan', 'costs.json')), 'src/plan/costs.json'));
  console.log(`  kerf decompose --costs ${path.replace(`${root}`, '')} compares structures by this table.`);
  return table;
}

function print(table, shipped) {
  const tiles = table.tiles.map(({ rows, outputs, perInput, each }, i) => [
    `tile of ${rows} x ${outputs}, an input`,
    `${perInput}`,
    `${shipped.tiles[i].perInput}`,
    `${each}`,
    `${shipped.tiles[i].each}`,
  ]);
  const rates = ['call', 'step', 'port', 'gather', 'copy', 'far', 'other'].map((key) => [
    key,
    `${table[key]}`,
    `${shipped[key]}`,
    '',
    '',
  ]);
  printTable(
    'What steps take on one thread, plain kernels, in nanoseconds; and the table that ships with kerf',
    ['cost', 'here', 'shipped', 'a tile here', 'shipped'],
    [...tiles, ...rates],
  );
}
