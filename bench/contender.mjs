/**
 * One contender in a process of its own: `node contender.mjs NAME`, driven by its parent over the IPC channel of
 * child_process.fork({ serialization: 'advanced' }). Every request gets one answer; a failed one gets { error }.
 *
 *     parent                                            child
 *     (start)                                        -> { name, version, flags, pid }
 *     { do: 'prepare', job, probes, warmUpMs }       -> { values }           outputs of input 0 at the probed indices
 *     { do: 'block', ms }                            -> { callMs, cpuMs, hash }   one time a call, for about `ms`
 *                                                                             cpuMs: processor time of a call
 *     (disconnect)                                      ends
 *
 * A block runs at least one call; inputs change from call to call; outputs are consumed into `hash`. Between requests
 * the child computes nothing, so that the others can be timed undisturbed.
 */
import { contenders } from './contenders.mjs';

let call;
let next = 1;

/** Runs calls until `ms` have passed. */
async function block(ms) {
  const callMs = [];
  let hash = 0;
  const cpu = process.cpuUsage();
  const end = performance.now() + ms;
  do {
    const start = performance.now();
    const output = await call(next++);
    callMs.push(performance.now() - start);
    hash = (Math.imul(hash, 31) + output[next % output.length] * 1e6) | 0;
  } while (performance.now() < end);
  const { user, system } = process.cpuUsage(cpu);
  return { callMs, cpuMs: (user + system) / 1000 / callMs.length, hash };
}

/**
 * Runs calls for `ms` at least, and until three parts of that bring no faster call: compilers of large modules work in
 * the background, for seconds where the machine is busy.
 */
async function warm(ms) {
  let best = Infinity;
  for (let idle = 0, turn = 0; idle < 3 && turn < 30; turn++) {
    const { callMs } = await block(ms / 3);
    const fastest = Math.min(...callMs);
    idle = fastest < 0.95 * best ? 0 : idle + 1;
    best = Math.min(best, fastest);
  }
}

const requests = {
  async prepare({ job, probes, warmUpMs }) {
    call = await contender.prepare(job);
    const output = await call(0);
    const values = probes.map((index) => output[index]);
    await warm(warmUpMs);
    return { values };
  },
  block: ({ ms }) => block(ms),
};

const name = process.argv[2];
const contender = await contenders[name]();
process.on('message', async (request) => {
  try {
    process.send(await requests[request.do](request));
  } catch (error) {
    process.send({ error: String(error?.stack ?? error) });
  }
});
process.send({ name, version: contender.version, flags: contender.flags, pid: process.pid });
