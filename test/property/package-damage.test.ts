/** Damaged packages load or are refused by a code; what loads runs without a trap or a hang. */
import assert from 'node:assert/strict';
import { encodePackage } from '../../src/package/kerf-writer.js';
import { KerfError } from '../../src/runtime/errors.js';
import { decodePackage } from '../../src/runtime/format/decode-package.js';
import { InferenceSession } from '../../src/runtime/inference-session.js';
import type { Plan } from '../../src/runtime/plan.js';
import { allocate, elementCount, Tensor } from '../../src/runtime/tensor.js';
import { createWasmExecutor } from '../../src/runtime/wasm-executor.js';
import { closePackage, openPackage, packageOf } from '../support/packages.js';
import { Random } from '../support/random.js';
import { randomPlan } from '../support/random-plan.js';

const seed = Number(process.env['KERF_SEED'] ?? 4711);
const files = 4000;
const allowed = ['PACKAGE_INVALID', 'PACKAGE_VERSION', 'MODEL_LIMIT', 'MEMORY_LIMIT', 'DATA_INVALID', 'REFERENCE_STEP'];

/** Values that a careless reader trips over. */
const traps: readonly unknown[] = [
  0,
  -1,
  1,
  7,
  1e9,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  0.5,
  null,
  true,
  '',
  'batch',
  '__proto__',
  [],
  {},
  [[1, 'batch']],
  [[-3, 'batch']],
  [[1, 'batch', 'batch']],
  { real: 1e300 },
  { json: 1 },
];

/** Every place in a JSON value that can be replaced: its container and key. */
function placesIn(value: unknown, places: [Record<string, unknown>, string][] = []) {
  if (typeof value !== 'object' || value === null) return places;
  for (const [key, inner] of Object.entries(value)) {
    places.push([value as Record<string, unknown>, key]);
    placesIn(inner, places);
  }
  return places;
}

function damageJson(value: unknown, random: Random): void {
  const places = placesIn(value);
  const [container, key] = random.pick(places);
  switch (random.integer(0, 3)) {
    case 0:
      if (Array.isArray(container)) container.splice(Number(key), 1);
      else delete container[key];
      return;
    case 1: {
      const [other, otherKey] = random.pick(places);
      container[key] = structuredClone(other[otherKey]);
      return;
    }
    case 2:
      if (typeof container[key] === 'number') container[key] += random.pick([-8, -1, 1, 8, 1000]);
      else container[key] = structuredClone(random.pick(traps));
      return;
    default:
      container[key] = structuredClone(random.pick(traps));
  }
}

function damage(bytes: Uint8Array, random: Random): Uint8Array {
  if (random.next() < 0.2) {
    const copy = bytes.slice(0, random.next() < 0.3 ? random.integer(0, bytes.length) : bytes.length);
    for (let i = random.integer(1, 4); i > 0 && copy.length; i--) {
      // Most of the meaning stands in the header, at the start.
      copy[Math.floor(copy.length * random.next() ** 3)] = random.integer(0, 255);
    }
    return copy;
  }
  const open = openPackage(bytes);
  const plan = JSON.parse(open.header.__metadata__['kerf.plan']);
  for (let i = random.integer(1, 3); i > 0; i--) damageJson(plan, random);
  open.header.__metadata__['kerf.plan'] = JSON.stringify(plan);
  if (random.next() < 0.1) damageJson(open.header, random);
  return closePackage(open);
}

/** Feeds of `rows` rows; dimensions of other symbols get 2. */
function feedsFor(plan: Plan, rows: number): Record<string, Tensor> | null {
  const feeds: Record<string, Tensor> = {};
  for (const { name, dtype, shape } of plan.inputs) {
    const dims = shape.map((dim) => (typeof dim === 'number' ? dim : rows));
    if (elementCount(dims) > 1e6) return null;
    feeds[name] = new Tensor(dtype, allocate(dtype, elementCount(dims)), dims);
  }
  return feeds;
}

function codeOf(error: unknown): string {
  return error instanceof KerfError ? error.code : String(error);
}

describe(`damaged packages (KERF_SEED=${seed})`, () => {
  const originals = [0, 1, 2, 3].map((p) => encodePackage(packageOf(randomPlan(new Random(seed + p)))));

  it(`are refused by a code, or run without a trap, in ${files} files`, async () => {
    const counts = { loaded: 0, ran: 0 };
    for (let file = 0; file < files; file++) {
      const random = new Random(seed * 10_000 + file);
      const bytes = damage(random.pick(originals), random);
      try {
        const { plan } = decodePackage(bytes);
        counts.loaded++;
        const executor = createWasmExecutor(plan, { memoryBytes: 2 ** 26 });
        const session = InferenceSession.fromExecutor(plan, executor);
        for (const rows of [1, 19]) {
          const feeds = feedsFor(plan, rows);
          if (!feeds) continue;
          await session.run(feeds, { timeoutMs: 1000 });
          counts.ran++;
        }
      } catch (error) {
        const codes = [...allowed, 'SHAPE_MISMATCH'];
        assert.ok(codes.includes(codeOf(error)), `file ${file}: ${(error as Error).stack}`);
      }
    }
    assert.ok(counts.loaded > files / 50 && counts.ran > files / 50, `only ${JSON.stringify(counts)} of ${files}`);
  });
});
