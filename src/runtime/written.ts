import { type BoundPlan, stepName } from './bind-plan.js';
import { joinRuns, type Runs, runsOf } from './element-set.js';
import type { KerfError } from './errors.js';
import { evaluate } from './extent.js';
import { invalidPackage as invalid } from './invalid-package.js';
import { elementCount } from './tensor.js';

/** Runs that one check looks at; no network comes near, a hostile file might. */
const maximumLooks = 2 ** 26;

/** Elements of each buffer that something has written, as sorted runs. */
class Written {
  readonly #runs = new Map<number, Runs>();
  #looks = 0;

  add(buffer: number, runs: Runs): void {
    const known = this.#known(buffer, runs.length);
    this.#runs.set(buffer, joinRuns([...known, ...runs].sort((a, b) => a[0] - b[0])));
  }

  /** Whether every element of `runs` is there. Joined runs do not touch, so each lies inside one of the known or not. */
  has(buffer: number, runs: Runs): boolean {
    const known = this.#known(buffer, runs.length);
    let at = 0;
    return runs.every(([first, end]) => {
      while (at < known.length && known[at][1] < end) at++;
      return at < known.length && known[at][0] <= first;
    });
  }

  #known(buffer: number, more: number): Runs {
    const known = this.#runs.get(buffer) ?? [];
    this.#looks += known.length + more;
    if (this.#looks > maximumLooks) throw invalid('steps', 'their regions are too scattered to check');
    return known;
  }
}

/**
 * Checks that every element is written, by a feed or an earlier step, before a step or an output reads it.
 * @throws PACKAGE_INVALID naming the reader
 */
export function checkWritten({ plan, bindings, steps }: BoundPlan): void {
  const written = new Written();
  const portRuns = ({ shape }: (typeof plan.inputs)[number]): Runs => {
    const count = elementCount(shape.map((dim) => evaluate(dim, bindings)));
    return count > 0 ? [[0, count]] : [];
  };
  for (const port of plan.inputs) written.add(port.buffer, portRuns(port));
  for (const { step, index, operands, regions } of steps) {
    const touched = regions
      .map((region) => ({ ...region, ...operands[region.operand]! }))
      .filter(({ isWeight, first, end }) => !isWeight && end > first);
    for (const access of touched.filter(({ isWrite }) => !isWrite)) {
      const runs = runsOf(access);
      if (runs && !written.has(access.index, runs)) throw unwritten(stepName(step, index), access.index);
    }
    for (const access of touched.filter(({ isWrite }) => isWrite)) {
      written.add(access.index, runsOf(access) ?? [[access.offset + access.first, access.offset + access.end]]);
    }
  }
  for (const port of plan.outputs) {
    if (!written.has(port.buffer, portRuns(port))) throw unwritten(`output "${port.name}"`, port.buffer);
  }
}

function unwritten(where: string, buffer: number): KerfError {
  return invalid(where, `it reads elements of buffer ${buffer} that nothing has written`);
}
