/** The worker of the ort executor: holds one onnxruntime session. */
import { workerData } from 'node:worker_threads';
import type { DType, TensorData } from '../runtime/tensor.js';

/** A tensor as it crosses threads. */
export interface PlainTensor {
  readonly type: DType;
  readonly data: TensorData;
  readonly dims: readonly number[];
}

export interface OrtSetup {
  /** Where onnxruntime-node is. */
  readonly ortUrl: string;
  readonly model: Uint8Array;
  readonly threads?: number;
}

/** A run; without feeds the session is only created. */
export interface OrtTask {
  readonly feeds: Readonly<Record<string, PlainTensor>> | null;
  readonly outputs: readonly string[] | null;
}

/** The part of onnxruntime's API that is used. */
interface Ort {
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<OrtSession> };
  readonly Tensor: new (type: DType, data: TensorData, dims: readonly number[]) => PlainTensor;
}

interface OrtSession {
  run(feeds: Record<string, PlainTensor>, fetches?: readonly string[]): Promise<Record<string, PlainTensor>>;
}

let session: Promise<OrtSession> | undefined;
let ort: Ort | undefined;

async function open(): Promise<OrtSession> {
  const { ortUrl, model, threads } = workerData as OrtSetup;
  const module = (await import(ortUrl)) as Ort & { readonly default?: Ort };
  ort = module.default ?? module;
  return ort.InferenceSession.create(model, threads === undefined ? {} : { intraOpNumThreads: threads });
}

export default async function run({ feeds, outputs }: OrtTask): Promise<Record<string, PlainTensor>> {
  session ??= open();
  const opened = await session;
  if (!feeds) return {};
  const tensors: Record<string, PlainTensor> = {};
  for (const [name, { type, data, dims }] of Object.entries(feeds)) tensors[name] = new ort!.Tensor(type, data, dims);
  const results = await (outputs ? opened.run(tensors, outputs) : opened.run(tensors));
  return Object.fromEntries(
    Object.entries(results).map(([name, { type, data, dims }]) => [name, { type, data, dims }]),
  );
}
