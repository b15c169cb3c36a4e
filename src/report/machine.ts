import { bytes } from './numbers.js';
import { formatFacts } from './table.js';

/** What the machine and the host offer to kerf. */
export interface Machine {
  readonly kerf: string;
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  readonly simd: boolean;
  readonly relaxedSimd: boolean;
  /** The build that sessions use here. */
  readonly kernels: 'plain' | 'relaxed';
  /** Measured speed with --revectorize over that without; null where it does not pay. */
  readonly revectorizeGain: number | null;
  readonly threads: boolean;
  readonly cores: {
    /** In the machine. */
    readonly present: number;
    /** This process may be scheduled on. */
    readonly affinity: number;
    /** The control group's quota; null without one. */
    readonly cgroup: number | null;
    /** What kerf would use: the least of these. */
    readonly usable: number;
  };
  readonly memory: { readonly totalBytes: number; readonly cgroupBytes: number | null };
  /** Version of onnxruntime-node, found from the working directory; null when absent. */
  readonly onnxruntimeNode: string | null;
}

const yesNo = (value: boolean) => (value ? 'yes' : 'no');

/** What `kerf doctor` prints. */
export function formatMachine(machine: Machine): string {
  const { cores, memory } = machine;
  return formatFacts([
    ['kerf', machine.kerf],
    ['node', `${machine.node} (${machine.platform})`],
    ['processor', machine.cpu],
    ['SIMD', machine.simd ? 'yes' : 'no: kerf cannot compute here'],
    ['relaxed SIMD', yesNo(machine.relaxedSimd)],
    ['kernels in use', machine.kernels],
    [
      'revectorize',
      machine.revectorizeGain ? `pays: ${machine.revectorizeGain.toFixed(2)} times as fast` : 'does not pay',
    ],
    ['threads', machine.threads ? 'yes' : 'no: everything runs on one thread'],
    ['cores usable', cores.usable],
    ['cores', `${cores.present} present, ${cores.affinity} allowed, quota ${cores.cgroup ?? 'none'}`],
    ['memory', bytes(memory.cgroupBytes ?? memory.totalBytes)],
    ['onnxruntime-node', machine.onnxruntimeNode ?? 'not installed (optional): npm install onnxruntime-node'],
  ]);
}
