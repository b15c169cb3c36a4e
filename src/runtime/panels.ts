/**
 * The one weight layout of linear layers, [N, K] with its bias:
 *
 *     panel p:  | bias[16] | k=0: 16 weights | k=1: 16 weights | ... |   outputs 16p .. 16p+15
 *     last:     | bias[8]  | k=0:  8 weights | ...                       if N mod 16 is 1..8
 *
 * Columns beyond N are zero. Mirrored by assembly/tile.ts. And where weights are int8, with 4-byte words in front:
 *
 *     panel p:  | bias[16] | scale[16] | k=0,1: 16 x 2 weights | k=2,3: .. |        16 or 8 wide, as above
 */

/** Outputs of a full panel. */
export const NR = 16;

/** Width of panel `panel` of a layer with N outputs: 16, or 8 for a last panel of at most 8 outputs. */
export function panelWidth(N: number, panel: number): number {
  return N - panel * NR <= NR / 2 ? NR / 2 : NR;
}

/** Elements of all panels of an [N, K] layer. */
export function panelLength(N: number, K: number): number {
  const rest = N % NR;
  const width = N - rest + (rest === 0 ? 0 : rest <= NR / 2 ? NR / 2 : NR);
  return width * (K + 1);
}

/** Bytes of all panels of an [N, K] layer of int8 weights. */
export function int8PanelLength(N: number, K: number): number {
  return panelLength(N, 0) * (8 + K + (K % 2));
}
