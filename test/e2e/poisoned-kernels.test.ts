/** Nothing but the WASM kernels does the work: where their exports throw, so do the commands that need them. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeArrays } from '../../src/model/index.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { digits, kerf, scratchFolder } from './kerf.js';

/** Node options that replace, in every module, the exported functions whose names match by ones that throw. */
function poison(names: string): Record<string, string> {
  const program = `
    const Real = WebAssembly.Instance;
    WebAssembly.Instance = function (module, imports) {
      const { exports } = new Real(module, imports);
      const isPoisoned = (name, value) => typeof value === 'function' && /${names}/.test(name);
      const fail = (name) => () => { throw new Error('poisoned ' + name); };
      const entries = Object.entries(exports).map(([name, value]) => [name, isPoisoned(name, value) ? fail(name) : value]);
      return { exports: Object.fromEntries(entries) };
    };`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(program)}` };
}

describe('poisoned kernels', () => {
  const scratch = scratchFolder();
  after(scratch.remove);

  before(() => {
    const x = new Tensor('float32', new Float32Array(2 * 784).fill(0.5), [2, 784]);
    writeFileSync(join(scratch.path, 'x.npy'), encodeArrays(new Map([['x', x]]), 'npy'));
  });

  const run = () => ['run', digits, '--input', `x=${join(scratch.path, 'x.npy')}`, '--threads', '1', '--json'];

  it('do not change a command that does not need them', async () => {
    const { code, stderr } = await kerf(run(), { env: poison('^no_such_kernel$') });
    assert.equal(code, 0, stderr);
  });

  for (const names of ['^run_steps$', '^f32_pack_linear$']) {
    it(`run fails without ${names}, through which every GEMM goes`, async () => {
      const { code, stdout, stderr } = await kerf(run(), { env: poison(names) });
      assert.notEqual(code, 0);
      assert.equal(stdout, '');
      assert.match(stderr, /^kerf: /);
    });
  }

  for (const names of ['^f32_pit', '^f32_moments$', '^f32_ks_distance', '_chi_square_', '^f64_tridiagonalise$']) {
    it(`analyze fails without ${names}`, async () => {
      const { code, stdout, stderr } = await kerf(['analyze', digits, '--json'], { env: poison(names) });
      assert.notEqual(code, 0);
      assert.equal(stdout, '');
      assert.match(stderr, /^kerf: /);
    });
  }
});
