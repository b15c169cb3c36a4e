/** The analysis module (statistics and linear algebra in WASM), bound to its own memory on first use. */
import { latin1 } from '#wasm/analysis';
import { bindKernels, createMemory, decodeLatin1, pageBytes } from '../runtime/wasm.js';
import { type Block, Workspace } from '../runtime/workspace.js';
import type { LinalgKernels } from './linalg-kernels.js';
import type { EdgeKernels } from './paper/edge-kernels.js';
import type { SmallWeightKernels } from './small-weight-kernels.js';
import type { StatisticsKernels } from './statistics-kernels.js';

/** Exports of assembly/analysis.ts. Numbers that end in `Ptr` are byte addresses in the workspace's memory. */
export interface AnalysisKernels extends StatisticsKernels, EdgeKernels, LinalgKernels, SmallWeightKernels {
  /** First byte above the module's constants. */
  heapBase(): number;
}

export interface Analysis {
  readonly kernels: AnalysisKernels;
  readonly workspace: Workspace;
  /** Tables of z(t) under the bounded laws; filled by scores.ts on first use. */
  readonly tables: { readonly truncated: Block<'float64'>; readonly uniform: Block<'float64'> };
}

/** Binds a build of the analysis module to a fresh memory: one per thread, and the debug build in tests. */
export function bindAnalysis(module: Uint8Array<ArrayBuffer>): Analysis {
  const memory = createMemory(pageBytes);
  const { exports } = bindKernels<AnalysisKernels>(module, memory);
  const workspace = new Workspace(memory, exports.heapBase());
  const length = exports.pitTableLength();
  const tables = {
    truncated: workspace.allocate('float64', length),
    uniform: workspace.allocate('float64', length),
  };
  return { kernels: exports, workspace, tables };
}

let shared: Analysis | undefined;

/**
 * The kernels of this thread and the workspace they share; bound on the first call.
 * Take blocks inside `workspace.scope`, so that they are given back.
 * @example  const { kernels, workspace } = analysisKernels();
 */
export function analysisKernels(): Analysis {
  shared ??= bindAnalysis(decodeLatin1(latin1));
  return shared;
}
