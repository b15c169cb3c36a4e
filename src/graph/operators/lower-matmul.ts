/** Steps for matrix products: pack the right factor into panels (once, if constant), then gemm. */
import { add, type Extent, equals, isStatic, multiply, product } from '../../runtime/extent.js';
import { panelLength } from '../../runtime/panels.js';
import type { Operand, StepParam } from '../../runtime/plan.js';
import type { Node } from '../graph.js';
import type { Place, PlanBuilder } from '../operator.js';
import { realOf } from './attributes.js';
import { emitCopy, emitTranspose } from './lower-copy.js';
import { broadcastExtentStrides, emitBinary, extentStrides, maximumStepRank, scalarView } from './lowering.js';
import { gemmSizes, matMulSizes } from './product-sizes.js';
import type { Shape } from './shapes.js';

/** A matrix [N, K], or a stack of them, as the pack step reads it. */
interface Right {
  readonly operand: Operand;
  readonly N: Extent;
  readonly K: Extent;
  readonly strideN: Extent;
  readonly strideK: Extent;
}

/** Elements that hold the panels of an [N, K] layer: panels are widths of 8 and 16 together, at most 7 more than N. */
export function panelExtent(N: Extent, K: Extent): Extent {
  return multiply(isStatic(N) ? panelLength(N, 0) : add(N, 7), add(K, 1));
}

/** Packs a right factor that is computed at run time; `bias` is a contiguous vector, or a scalar at stride 0. */
function packRight(
  builder: PlanBuilder,
  right: Right,
  bias: { operand: Operand; stride: Extent } | null,
  stack: { batches: Extent; stride: Extent } = { batches: 1, stride: 0 },
): { panels: Operand; stride: Extent } {
  const stride = panelExtent(right.N, right.K);
  const panels = builder.scratch('float32', multiply(stack.batches, stride));
  const params: Record<string, StepParam> = {
    N: right.N,
    K: right.K,
    strideN: right.strideN,
    strideK: right.strideK,
  };
  if (bias) params.biasStride = bias.stride;
  if (stack.batches !== 1)
    Object.assign(params, { batches: stack.batches, strideB: stack.stride, stridePanels: stride });
  builder.step('pack', [right.operand, ...(bias ? [bias.operand] : [])], [panels], params);
  return { panels, stride };
}

/** C as a bias of N outputs: a vector [N] or [1, N], or a scalar; undefined when it varies by row or is scaled. */
function biasOf(c: Place | null, N: Extent, beta: number): { operand: Operand; stride: Extent } | null | undefined {
  if (c === null || beta === 0) return null;
  if (beta !== 1) return undefined;
  const count = product(c.fact.shape);
  const lead = c.fact.shape.slice(0, -1);
  if (equals(count, 1)) return { operand: c.operand, stride: 0 };
  return equals(count, N) && lead.every((dim) => equals(dim, 1)) ? { operand: c.operand, stride: 1 } : undefined;
}

/** y = alpha A' B' + beta C; alpha, beta and a C that varies by row cost steps of their own. */
export function lowerGemm(node: Node, builder: PlanBuilder): boolean {
  if (builder.fact(node.inputs[0]).dtype !== 'float32') return false;
  const [a, b] = [builder.place(node.inputs[0]), builder.place(node.inputs[1])];
  const c = node.inputs[2] ? builder.place(node.inputs[2]) : null;
  const { M, N, K, transA, transB } = gemmSizes(node, a.fact.shape, b.fact.shape);
  const [alpha, beta] = [realOf(node, 'alpha', 1), realOf(node, 'beta', 1)];
  const bias = alpha === 1 ? biasOf(c, N, beta) : c === null || beta === 0 ? null : undefined;
  const right = { operand: b.operand, N, K, strideN: transB ? K : 1, strideK: transB ? 1 : N };
  const { panels } = packRight(builder, right, bias ?? null);
  let x = a.operand;
  if (transA) {
    x = builder.scratch('float32', multiply(M, K));
    emitTranspose(builder, 'float32', a.operand, x, a.fact.shape, [1, 0]);
  }
  const y = builder.output(node.outputs[0]).operand;
  builder.step('gemm', [x, panels], [y], { M, N, K });
  const shape = [M, N];
  const result = { operand: y, shape };
  if (alpha !== 1) emitBinary(builder, 'mul', result, scalarView(builder, alpha), y, shape);
  if (bias === undefined) {
    let addend = { operand: c!.operand, shape: c!.fact.shape };
    if (beta !== 1) {
      const scaled = builder.scratch('float32', product(addend.shape));
      emitBinary(builder, 'mul', addend, scalarView(builder, beta), scaled, addend.shape);
      addend = { operand: scaled, shape: addend.shape };
    }
    emitBinary(builder, 'add', result, addend, y, shape);
  }
  return true;
}

/** A stack of matrices repeated to the full batch shape, where broadcasting asks for it. */
function expandStack(builder: PlanBuilder, operand: Operand, lead: Shape, matrix: Shape, batch: Shape): Operand {
  const dims = [...batch, ...matrix];
  const expanded = builder.scratch('float32', product(dims));
  const strides = broadcastExtentStrides([...lead, ...matrix], dims.length);
  // The matrix itself is never broadcast: its strides hold also where a side is 1.
  strides.splice(batch.length, 2, ...extentStrides(matrix));
  emitCopy(builder, 'float32', operand, expanded, dims, strides);
  return expanded;
}

function sameShape(a: Shape, b: Shape): boolean {
  return equals(product(a), product(b)) && a.filter((dim) => dim !== 1).length === b.filter((dim) => dim !== 1).length;
}

/** One gemm where the right factor is one matrix; else a batched one, after repeating what is broadcast. */
export function lowerMatMul(node: Node, builder: PlanBuilder): boolean {
  if (builder.fact(node.inputs[0]).dtype !== 'float32') return false;
  const [a, b] = [builder.place(node.inputs[0]), builder.place(node.inputs[1])];
  const { M, N, K, batchA, batchB, batch } = matMulSizes(node, a.fact.shape, b.fact.shape);
  if (batch.length + 2 > maximumStepRank) return false;
  const batches = product(batch);
  const matrix = { N, K, strideN: 1, strideK: N };
  if (equals(product(batchB), 1)) {
    const { panels } = packRight(builder, { operand: b.operand, ...matrix }, null);
    const x = sameShape(batchA, batch) ? a.operand : expandStack(builder, a.operand, batchA, [M, K], batch);
    const y = builder.output(node.outputs[0]).operand;
    builder.step('gemm', [x, panels], [y], { M: multiply(batches, M), N, K });
    return true;
  }
  const isShared = equals(product(batchA), 1);
  const wholeA = isShared || sameShape(batchA, batch);
  const x = wholeA ? a.operand : expandStack(builder, a.operand, batchA, [M, K], batch);
  const stacked = sameShape(batchB, batch) ? b.operand : expandStack(builder, b.operand, batchB, [K, N], batch);
  const stack = { batches, stride: multiply(K, N) };
  const { panels, stride } = packRight(builder, { operand: stacked, ...matrix }, null, stack);
  const y = builder.output(node.outputs[0]).operand;
  builder.step('gemm', [x, panels], [y], {
    M,
    N,
    K,
    batches,
    strideX: isShared ? 0 : multiply(M, K),
    stridePanels: stride,
    strideY: multiply(M, N),
  });
  return true;
}
