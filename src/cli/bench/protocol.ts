/** What the parent of a benchmark and its contenders say to each other over the child process's channel. */

/** The first message: what to load. */
export interface Load {
  readonly contender: string;
  /** For a peer: the file its package was resolved to. */
  readonly module: string | null;
  /** ONNX model or kerf package. */
  readonly path: string;
  readonly threads: number;
  /** For kerf: see the option of sessions. */
  readonly revectorize: boolean;
  readonly batch: number;
  /** npz with one array per input, or null for random inputs. */
  readonly data: string | null;
  readonly inputs: readonly InputSpec[];
  readonly seed: number;
}

export interface InputSpec {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly (number | string)[];
}

/** Each later message: call for about so long, with another input at each call. */
export interface Round {
  readonly roundMs: number;
}

export type Reply =
  | { readonly ready: true; readonly version: string; readonly firstOutput: readonly number[] }
  | { readonly samplesMs: readonly number[] }
  | { readonly error: string };
