/** The registry: every operator that kerf knows, by name and operator set. */
import type { Node } from '../graph.js';
import type { Operator } from '../operator.js';
import { alongAxisOperators } from './along-axis.js';
import { attentionOperators } from './attention.js';
import { attentionOperator } from './attention-operator.js';
import { batchNormalizationOperators } from './batch-normalization.js';
import { castOperators } from './cast.js';
import { clipOperators } from './clip.js';
import { concatOperators } from './concat.js';
import { constantOperators } from './constant.js';
import { convOperators } from './conv.js';
import { convTransposeOperators } from './conv-transpose.js';
import { dropoutOperators } from './dropout.js';
import { einsumOperators } from './einsum.js';
import { binaryOperators } from './elementwise-binary.js';
import { unaryOperators } from './elementwise-unary.js';
import { embeddingBagOperators } from './embedding-bag.js';
import { expandOperators } from './expand.js';
import { gatherOperators } from './gather.js';
import { gatherScatterOperators } from './gather-scatter.js';
import { gemmOperators } from './gemm.js';
import { linearOperators } from './linear.js';
import { linearInt8Operators } from './linear-int8.js';
import { lossOperators } from './loss.js';
import { matMulOperators } from './matmul.js';
import { matrixOperators } from './matrices.js';
import { normalizationOperators } from './normalization.js';
import { optimizerOperators } from './optimizers.js';
import { padOperators } from './pad.js';
import { poolOperators } from './pool.js';
import { quantizeOperators } from './quantize.js';
import { rearrangeOperators } from './rearrange.js';
import { recurrentOperators } from './recurrent.js';
import { reduceOperators } from './reduce.js';
import { reshapeOperators } from './reshape.js';
import { resizeOperators } from './resize.js';
import { samplingOperators } from './sampling.js';
import { signalOperators } from './signal.js';
import { sliceOperators } from './slice.js';
import { softmaxOperators } from './softmax.js';
import { tfIdfOperators } from './tf-idf.js';
import { transposeOperators } from './transpose.js';
import { triangleOperators } from './triangle.js';
import { valueShapeOperators } from './value-shapes.js';
import { variadicOperators } from './variadic.js';
import { whereOperators } from './where.js';

export const operators: readonly Operator[] = [
  ...gemmOperators,
  ...matMulOperators,
  ...linearOperators,
  ...linearInt8Operators,
  ...convOperators,
  ...poolOperators,
  ...embeddingBagOperators,
  ...unaryOperators,
  ...binaryOperators,
  ...variadicOperators,
  ...clipOperators,
  ...softmaxOperators,
  ...reduceOperators,
  ...reshapeOperators,
  ...dropoutOperators,
  ...transposeOperators,
  ...concatOperators,
  ...sliceOperators,
  ...expandOperators,
  ...gatherOperators,
  ...castOperators,
  ...constantOperators,
  ...whereOperators,
  ...einsumOperators,
  ...matrixOperators,
  ...rearrangeOperators,
  ...samplingOperators,
  ...signalOperators,
  ...tfIdfOperators,
  ...valueShapeOperators,
  ...alongAxisOperators,
  ...attentionOperators,
  ...attentionOperator,
  ...convTransposeOperators,
  ...gatherScatterOperators,
  ...lossOperators,
  ...batchNormalizationOperators,
  ...normalizationOperators,
  ...optimizerOperators,
  ...padOperators,
  ...quantizeOperators,
  ...recurrentOperators,
  ...resizeOperators,
  ...triangleOperators,
];

const keyOf = (domain: string, name: string) => `${domain}:${name}`;

const names = [...new Set(operators.map(({ domain, name }) => keyOf(domain, name)))];
const byKey = new Map(
  names.map((key) => [key, operators.filter(({ domain, name }) => keyOf(domain, name) === key)] as const),
);

/** The operator that a node names in an operator set; undefined where kerf does not know it. */
export function findOperator(node: Pick<Node, 'op' | 'domain'>, opset: number): Operator | undefined {
  return byKey.get(keyOf(node.domain, node.op))?.find(({ opsets: [first, last] }) => opset >= first && opset <= last);
}
