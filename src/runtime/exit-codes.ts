/** Stable error codes, and the exit code with which the command line ends on each. */
export const errorCodes = {
  /** Exit 1: the world outside failed. */
  IO_FAILED: 1,
  WORKER_FAILED: 1,
  KERNEL_TRAP: 1,
  EXECUTOR_MISSING: 1,
  KERNELS_UNSUPPORTED: 1,
  INTERNAL: 1,
  /** Exit 2: the caller asked for something that does not exist. */
  USAGE: 2,
  OPTION_INVALID: 2,
  LAW_INVALID: 2,
  SYNC_UNSUPPORTED: 2,
  SESSION_RELEASED: 2,
  /** Exit 3: an input file or tensor is invalid or unsupported. */
  FILE_FORMAT: 3,
  MODEL_INVALID: 3,
  MODEL_LIMIT: 3,
  OPERATOR_UNSUPPORTED: 3,
  DTYPE_UNSUPPORTED: 3,
  SHAPE_UNSUPPORTED: 3,
  SHAPE_MISMATCH: 3,
  DTYPE_MISMATCH: 3,
  INPUT_MISSING: 3,
  INPUT_UNKNOWN: 3,
  OUTPUT_UNKNOWN: 3,
  WEIGHT_NOT_FINITE: 3,
  PACKAGE_INVALID: 3,
  PACKAGE_VERSION: 3,
  REFERENCE_STEP: 3,
  DATA_INVALID: 3,
  /** Exit 4: a guard or a verification failed. */
  GUARD_FAILED: 4,
  GUARD_TOO_SMALL: 4,
  VERIFY_FAILED: 4,
  /** Exit 5: a limit was exceeded. */
  MEMORY_LIMIT: 5,
  FILE_LIMIT: 5,
  FALLBACK_LIMIT: 5,
  TIMEOUT: 5,
  /** Exit 130: the caller cancelled. */
  ABORTED: 130,
} as const;

/** The exit code of the command line for an error. `kerf/runtime` has lazy-exit-codes.ts in its place (`#exit-codes`). */
export function exitCodeOf(code: keyof typeof errorCodes): number {
  return errorCodes[code];
}
