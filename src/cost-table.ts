/**
 * Tables of costs: files of a few numbers, measured by `npm run bench -- costs`; one ships with kerf. Only their ratios
 * matter where structures are compared.
 */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { arrayMember, member, numberMember, parseJson } from './model/json.js';
import { readFile } from './model/read-file.js';
import { type CostTable, type TileCost, tileShapes } from './plan/cost-model.js';
import { KerfError } from './runtime/errors.js';

const rates = ['call', 'step', 'port', 'gather', 'copy', 'far', 'other'] as const;

/** Largest cost of a file, in nanoseconds: beyond it sums of a network's steps mean nothing. */
const largest = 1e9;

function costMember(value: unknown, key: string, where: string): number {
  const cost = numberMember(value, key, where);
  if (cost >= 0 && cost <= largest) return cost;
  throw invalid(where, `"${key}" is no cost: got ${cost}, expected nanoseconds from 0 to ${largest}`);
}

function tileOf(tiles: readonly unknown[], rows: number, outputs: number, where: string): TileCost {
  const found = tiles.filter((tile) => member(tile, 'rows') === rows && member(tile, 'outputs') === outputs);
  if (found.length !== 1)
    throw invalid(where, `the tile of ${rows} x ${outputs}: got ${found.length} entries, expected 1`);
  const [perInput, each] = ['perInput', 'each'].map((key) => costMember(found[0], key, where));
  // A structure without any cost would be taken at once.
  if (perInput === 0) throw invalid(where, `the tile of ${rows} x ${outputs}: got "perInput" of 0, expected more`);
  return { rows, outputs, perInput, each };
}

function invalid(where: string, problem: string): KerfError {
  return new KerfError('FILE_FORMAT', where, `${problem}. Measure it again with "npm run bench -- costs".`);
}

/**
 * Reads a cost table.
 * @param where  what error sentences speak of
 * @throws FILE_FORMAT when it is not JSON, is of another version, or lacks a number
 */
export function readCostTable(bytes: Uint8Array, where: string): CostTable {
  const json = parseJson(bytes, where);
  const version = member(json, 'version');
  if (version !== 1) throw invalid(where, `no cost table of this version: got ${JSON.stringify(version)}, expected 1`);
  const tiles = arrayMember(json, 'tiles', where);
  const numbers = Object.fromEntries(rates.map((key) => [key, costMember(json, key, where)]));
  return {
    ...(numbers as Record<(typeof rates)[number], number>),
    tiles: tileShapes.map(([rows, outputs]) => tileOf(tiles, rows, outputs, where)),
    hash: createHash('sha256').update(bytes).digest('hex'),
  };
}

/** Bytes of the largest file. */
const largestFile = 65_536;

/**
 * The cost table in a file.
 * @throws IO_FAILED, FILE_LIMIT, and as {@link readCostTable}
 */
export function loadCostTable(path: string): CostTable {
  return readCostTable(readFile(path, largestFile, path), path);
}

let shipped: CostTable | null = null;

/** The table that ships with kerf, of the plain kernels on the machine of docs/performance.md. */
export function shippedCosts(): CostTable {
  shipped ??= loadCostTable(fileURLToPath(new URL('../../src/plan/costs.json', import.meta.url)));
  return shipped;
}

/** The table that an option asks for; null where multiply-adds are compared. */
export function costTableOf(costs: CostTable | 'time' | 'work' = 'work'): CostTable | null {
  if (costs === 'work') return null;
  return costs === 'time' ? shippedCosts() : costs;
}
