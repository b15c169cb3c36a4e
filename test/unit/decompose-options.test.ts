import assert from 'node:assert/strict';
import { shippedCosts } from '../../src/cost-table.js';
import type { DecomposeOptions } from '../../src/decompose-options.js';
import { checkDecomposeOptions } from '../../src/decompose-options.js';
import { withCode } from '../support/codes.js';

describe('options of decompose', () => {
  it('may be missing, and take what the command line takes', () => {
    checkDecomposeOptions({});
    checkDecomposeOptions({ init: 'auto', exact: false, parts: 'auto', bus: 'auto', cascade: 'on', weights: 'int8' });
    checkDecomposeOptions({ init: new Map(), parts: 2, bus: 0, seed: 0, batch: 1, costs: 'time' });
    checkDecomposeOptions({ seed: 2 ** 32 - 1, batch: 65_536, costs: shippedCosts() });
  });

  it('are refused by name where they are something else', () => {
    const wrong: Readonly<Record<string, readonly unknown[]>> = {
      init: [5, null, {}],
      exact: ['x', 1, null],
      parts: [0, 1.5, '2', 'x', Number.NaN],
      bus: [-1, 0.5, '0', null],
      cascade: ['x', true, ''],
      weights: ['x', 16, null],
      seed: [-1, 0.5, 2 ** 32, '1'],
      costs: ['x', null, {}, 5],
      batch: [0, 1.5, 65_537, '64'],
    };
    for (const [name, values] of Object.entries(wrong)) {
      for (const value of values) {
        const refused = withCode('OPTION_INVALID', `option "${name}"`, `got ${String(value)}, expected `);
        assert.throws(() => checkDecomposeOptions({ [name]: value } as DecomposeOptions), refused, `${name} ${value}`);
      }
    }
  });
});
