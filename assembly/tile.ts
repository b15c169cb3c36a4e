/** Constants of the tiles and of the weight layout. Mirrored by src/runtime/panels.ts. */

/** Outputs of a full panel. */
export const NR: i32 = 16;
