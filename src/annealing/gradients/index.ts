/** Gradients of a network's outputs with respect to values inside it: the reverse pass, itself a graph. */
export { type FisherFactors, fisherFactors } from './fisher.js';
export { type ReverseGraph, reverseGraph } from './reverse.js';
