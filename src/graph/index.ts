/**
 * What a network computes: the graph, its facts, folding, patterns, and the operators.
 * Imports only the runtime's types and tensors.
 */
export { withAgreeingSizes } from './agreeing-sizes.js';
export { canonicalise } from './canonicalise.js';
export { countMacs, countParameters, macsByNode } from './cost.js';
export { fixSizes } from './fix-sizes.js';
export type { Attribute, Fact, Graph, Model, ModelFormat, Node, Port, Quantization } from './graph.js';
export {
  type Facts,
  inferFacts,
  isWeightsOnly,
  requireNetwork,
  requireSupported,
  unsupportedOperators,
} from './infer.js';
export { type Activation, findLayers, type Layer } from './layers.js';
export { listOperators, type OperatorListing } from './list-operators.js';
export { findOperator } from './operators/index.js';
