/** Constants of the tiles and of the weight layout. Mirrored by src/runtime/panels.ts. */

/** Outputs of a full panel. */
export const NR: i32 = 16;

/** Outputs of a last panel that holds at most this many. */
export const NR_HALF: i32 = 8;

/** Rows of a tile with more than NR_HALF outputs, and of a narrower one: what 15 vector registers hold. */
export const MR: i32 = 2;
export const MR_HALF: i32 = 4;

/**
 * Input columns a macro-kernel takes at a time: KC rows of a panel (32 KiB) stay in a first-level cache of 48 KiB, or
 * stream from the second-level cache where it is smaller. Blocks of 384 are 2 % slower where 512 fit.
 */
export const KC: i32 = 512;

/** Blocks of rows and of inputs are multiples of it, which every tile's height divides. */
export const BLOCK_STEP: i32 = 12;

/** Rows a macro-kernel takes at a time, at most: MC rows of KC inputs (1 MiB) fill a second-level cache; half is 1 % slower. */
export const MC: i32 = 512;

/** Bytes of a vector, of a row of a full panel, and of a row of a half panel. */
export const VECTOR_BYTES: i32 = 16;
export const PANEL_ROW_BYTES: i32 = NR * 4;
export const HALF_PANEL_ROW_BYTES: i32 = NR_HALF * 4;
