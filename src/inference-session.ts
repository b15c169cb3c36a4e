/** The tool's session: a model file as it is, or a package; on the calling thread, on a pool, or on onnxruntime. */
import { type CreateSessionOptions, createPackageSession } from './executors/create-session.js';
import { requireRevectorized } from './executors/revectorize.js';
import { sessionKernels } from './executors/session-kernels.js';
import { type ModelSource, modelOf, readSource } from './model/load.js';
import { createSessionFromModel } from './pipeline.js';
import { runReference } from './plan/reference-step.js';
import { KerfError } from './runtime/errors.js';
import { decodePackage } from './runtime/format/decode-package.js';
import { isPackage } from './runtime/format/package-reader.js';
import { InferenceSession as PackageSession, type SessionOptions } from './runtime/inference-session.js';

/** What `InferenceSession.create` understands. */
export interface ToolSessionOptions
  extends Omit<CreateSessionOptions, 'kernels' | 'onnx'>,
    Pick<SessionOptions, 'kernels'> {
  /**
   * Takes V8's experimental flag that joins vectors to 256 bits, for the whole process, and the relaxed kernels; default
   * false. KERNELS_UNSUPPORTED where it does not pay.
   */
  readonly revectorize?: boolean;
}

/** Runs models and packages, shaped like onnxruntime's session. */
export class InferenceSession extends PackageSession {
  /**
   * Loads a model or a package and prepares to run it.
   * @param source  path, URL, or the bytes of an ONNX model, a tfjs model.json or a kerf package
   * @throws IO_FAILED; FILE_FORMAT, MODEL_INVALID, OPERATOR_UNSUPPORTED and what inference throws for a model;
   *   PACKAGE_INVALID, PACKAGE_VERSION for a package; OPTION_INVALID, EXECUTOR_MISSING, KERNELS_UNSUPPORTED, MEMORY_LIMIT
   */
  static override async create(source: ModelSource, asked: ToolSessionOptions = {}): Promise<PackageSession> {
    if (asked === null || typeof asked !== 'object') {
      const problem = `invalid value: got ${String(asked)}, expected an object, or nothing.`;
      throw new KerfError('OPTION_INVALID', 'options', problem);
    }
    const file = await readSource(source);
    const { kernels: choice, revectorize, ...rest } = asked;
    if (revectorize && (choice === 'plain' || asked.wasmModule)) {
      const problem = 'invalid value: got true beside other kernels, expected it alone, since it chooses the kernels.';
      throw new KerfError('OPTION_INVALID', 'option "revectorize"', problem);
    }
    const isChosen = asked.wasmModule || asked.executor === 'ort';
    const choose = () => (revectorize ? requireRevectorized() : sessionKernels(choice));
    const options = isChosen ? rest : { ...rest, kernels: await choose() };
    if (isPackage(file.bytes)) return createPackageSession(decodePackage(file.bytes), { runReference, ...options });
    const model = modelOf(file);
    return createSessionFromModel(model, model.format === 'onnx' ? { ...options, onnx: file.bytes } : options);
  }
}
