/** Exports of assembly/linalg, as the host sees them. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by the linear algebra kernels
export interface LinalgKernels {}
