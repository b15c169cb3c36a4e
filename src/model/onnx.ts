/** Reads ONNX models. */
import { createHash } from 'node:crypto';
import type { Model } from '../graph/graph.js';
import { lastOpset } from '../graph/operators/define.js';
import { decodeMessage } from '../graph/protobuf/decode.js';
import { type ModelMessage, modelTable, type OpsetMessage } from '../graph/protobuf/onnx-schema.js';
import { KerfError } from '../runtime/errors.js';
import { decodeLimits, defaultLimits, type ModelLimits } from './limits.js';
import { ModelFolder } from './model-folder.js';
import { GraphReader } from './onnx-graph.js';

export interface ReadOptions {
  /** Folder of the model file; without it external data is refused. */
  readonly folder?: string | undefined;
  readonly limits?: Partial<ModelLimits> | undefined;
}

/**
 * Version of the ai.onnx operator set, the newest where a model uses other domains alone; versions of those are their
 * operators' own matter.
 */
function opsetOf(imports: readonly OpsetMessage[]): number {
  const own = imports.filter(({ domain }) => !domain || domain === 'ai.onnx');
  if (own.length === 0 && imports.length > 0) return lastOpset;
  const version = Number(own[0]?.version ?? 0n);
  if (own.length !== 1 || version < 1 || version > 1000) {
    throw new KerfError(
      'MODEL_INVALID',
      'model',
      `operator set: got ${own.length} imports of ai.onnx with version ${version}, expected one from 1 on.`,
    );
  }
  return version;
}

/**
 * Reads an ONNX model. Nothing is folded or renamed; `unsupported` is left empty for the caller who knows operators.
 * @param bytes  the file
 * @param options.folder  folder of the file, for external data
 * @param options.limits  what the file may ask for
 * @throws FILE_FORMAT when it is no protobuf; MODEL_INVALID, MODEL_LIMIT, DTYPE_UNSUPPORTED, OPERATOR_UNSUPPORTED
 *   when it is no model that kerf can hold; FILE_LIMIT when it is too large
 */
export function readOnnx(bytes: Uint8Array, options: ReadOptions = {}): Model {
  const limits = { ...defaultLimits, ...options.limits };
  if (bytes.length > limits.maxFileBytes) {
    throw new KerfError(
      'FILE_LIMIT',
      'model',
      `too large: got ${bytes.length} bytes, expected <= ${limits.maxFileBytes}.`,
    );
  }
  const message = decodeMessage<ModelMessage>(bytes, modelTable, 'model', decodeLimits(limits));
  if (!message.graph) {
    throw new KerfError('FILE_FORMAT', 'model', 'no graph in the file: expected an ONNX model. Check the file.');
  }
  const folder = options.folder === undefined ? undefined : new ModelFolder(options.folder, limits.maxFileBytes);
  const opset = opsetOf(message.opsetImport ?? []);
  const graph = new GraphReader({ limits, folder }, opset).read(message.graph);
  const hash = createHash('sha256').update(bytes);
  const external = folder?.digest;
  if (external) hash.update(external);
  return { format: 'onnx', graph, unsupported: [], sha256: hash.digest('hex') };
}
