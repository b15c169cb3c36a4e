/** Constants of the tiles and of the weight layout. Mirrored by src/runtime/panels.ts. */

/** Outputs of a full panel. */
export const NR: i32 = 16;

/** Outputs of a last panel that holds at most this many. */
export const NR_HALF: i32 = 8;

/** Rows of a tile with more than NR_HALF outputs, and of a narrower one: what 15 vector registers hold. */
export const MR: i32 = 2;
export const MR_HALF: i32 = 4;

/**
 * Input columns a macro-kernel takes at a time: KC rows of a panel and of a row pair fit a first-level cache of 32 KiB.
 * Where that cache is larger, 512 would be 1 % faster.
 */
export const KC: i32 = 384;

/** Rows a macro-kernel takes at a time: MC rows of KC inputs stay in the second-level cache. */
export const MC: i32 = 240;

/** Bytes of a vector, of a row of a full panel, and of a row of a half panel. */
export const VECTOR_BYTES: i32 = 16;
export const PANEL_ROW_BYTES: i32 = NR * 4;
export const HALF_PANEL_ROW_BYTES: i32 = NR_HALF * 4;
