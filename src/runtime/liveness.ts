/** Memory by lifetime: two buffers may share bytes only if no step falls into the lives of both. */

/** Bytes; every buffer starts at a multiple of it, so that its vector loads never straddle a cache line. */
export const alignmentBytes = 64;

/** The next multiple of 64. */
export function alignBytes(bytes: number): number {
  return Math.ceil(bytes / alignmentBytes) * alignmentBytes;
}

/** A buffer that is used by the steps from `first` to `last`, both included. */
export interface Lifetime {
  readonly buffer: number;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export interface ArenaLayout {
  /** Byte offset of each buffer from the arena's start, a multiple of 64. */
  readonly offsets: ReadonlyMap<number, number>;
  readonly totalBytes: number;
}

interface Placed {
  readonly start: number;
  readonly end: number;
  readonly last: number;
}

/** Index in `live` (sorted by start) at which the tightest gap of at least `bytes` opens, and its start. */
function tightestGap(live: readonly Placed[], bytes: number): { at: number; start: number } {
  let best = { at: live.length, start: live.length ? live[live.length - 1].end : 0 };
  let bestGap = Number.POSITIVE_INFINITY;
  let end = 0;
  live.forEach((placed, at) => {
    const gap = placed.start - end;
    if (gap >= bytes && gap < bestGap) {
      best = { at, start: end };
      bestGap = gap;
    }
    end = placed.end;
  });
  return best;
}

/**
 * Places buffers in an arena by a sweep over the steps: each takes the tightest gap that is free when it is born,
 * larger ones first among those born together.
 *
 *     bytes ▲  ┌─a─┐┌──c──┐
 *           │  └───┘└─────┘        a and c share bytes: a has died before c is born
 *           │  ┌────b─────────┐
 *           └──┴──────────────┴──▶ steps
 * @complexity O(buffers x buffers alive together)
 */
export function placeByLifetime(lifetimes: readonly Lifetime[]): ArenaLayout {
  const offsets = new Map<number, number>();
  let live: Placed[] = [];
  let totalBytes = 0;
  const order = [...lifetimes].sort((a, b) => a.first - b.first || b.bytes - a.bytes || a.buffer - b.buffer);
  for (const { buffer, bytes, first, last } of order) {
    live = live.filter((placed) => placed.last >= first);
    const { at, start } = tightestGap(live, alignBytes(bytes));
    const end = start + alignBytes(bytes);
    live.splice(at, 0, { start, end, last });
    offsets.set(buffer, start);
    totalBytes = Math.max(totalBytes, end);
  }
  return { offsets, totalBytes };
}
