import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { assertRefused, digits, kerf, root } from './kerf.js';

describe('kerf, the command line', () => {
  const usageErrors: [what: string, words: string[]][] = [
    ['no command', []],
    ['an unknown command', ['bogus']],
    ['a misspelt command', ['docto']],
    ['an unknown flag', ['doctor', '--bogus']],
    ['a word too many', ['doctor', 'x']],
    ['an unknown shell', ['completion', 'fish']],
  ];
  for (const [what, words] of usageErrors) {
    it(`ends with 2 and one sentence on ${what}`, async () => assertRefused(await kerf(words), 2, 'USAGE'));
  }

  it('prints help with every command on stdout', async () => {
    const { code, stdout } = await kerf(['--help']);
    assert.equal(code, 0);
    for (const command of [
      'inspect',
      'analyze',
      'decompose',
      'run',
      'verify',
      'bench',
      'report',
      'demo',
      'ops',
      'doctor',
      'completion',
    ])
      assert.match(stdout, new RegExp(`kerf ${command}`));
  });

  it('prints the version of package.json', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    assert.equal((await kerf(['--version'])).stdout, `${version}\n`);
  });

  it('doctor --json tells SIMD, threads and cores', async () => {
    const machine = JSON.parse((await kerf(['doctor', '--json'])).stdout);
    assert.equal(machine.simd, true);
    assert.equal(machine.threads, true);
    assert.equal(machine.kernels, machine.relaxedSimd ? 'relaxed' : 'plain');
    assert.ok(machine.revectorizeGain === null || machine.revectorizeGain >= 1.2, machine.revectorizeGain);
    assert.equal(machine.node, process.version);
    assert.ok(machine.cores.usable >= 1 && machine.cores.usable <= machine.cores.present);
  });

  it('doctor prints a table without colours under NO_COLOR', async () => {
    const { stdout } = await kerf(['doctor'], { env: { NO_COLOR: '1' } });
    assert.match(stdout, /^SIMD +yes$/m);
    assert.ok(!stdout.includes('\u001b'));
  });

  for (const shell of ['bash', 'zsh']) {
    it(`completion ${shell} prints a script`, async () => {
      const { code, stdout } = await kerf(['completion', shell]);
      assert.equal(code, 0);
      assert.match(stdout, shell === 'zsh' ? /compdef _kerf/ : /complete .*kerf/);
    });
  }

  it('completes the commands', async () => {
    const { stdout } = await kerf(['--get-yargs-completions', 'kerf', 'doc'], { env: { SHELL: '/bin/bash' } });
    assert.match(stdout, /^doctor$/m);
  });

  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    it(`ends with ${exitCode} on ${signal}`, async () => {
      // Long enough to be up and measuring when the signal comes, on a busy machine too.
      const words = ['bench', digits, '--seconds', '60'];
      assert.equal((await kerf(words, { signal, signalAfterMs: 3000 })).code, exitCode);
    });
  }

  it('ends quietly when the reader of its output goes away', async () => {
    const command = `"${process.execPath}" "${join(root, 'build/src/cli/main.js')}" ops --json | head -c 10; echo " \${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await promisify(execFile)('bash', ['-c', command]);
    assert.match(stdout, / 0\n$/);
    assert.equal(stderr, '');
  });

  it('says so when stdout is full', async function () {
    // Only Linux has a device that is always full.
    if (!existsSync('/dev/full')) this.skip();
    const command = `"${process.execPath}" "${join(root, 'build/src/cli/main.js')}" ops > /dev/full; echo $?`;
    const { stdout, stderr } = await promisify(execFile)('bash', ['-c', command]);
    assert.equal(stdout, '1\n');
    assert.match(stderr, /^kerf: IO_FAILED: [^\n]*no space left on the disk[^\n]*\n$/);
  });
});
