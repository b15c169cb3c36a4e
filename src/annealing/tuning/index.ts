/** Tuning: the weights of a fitted network, trained against the original's scores. */

export { type TrainingGraph, trainingGraph } from './training-graph.js';
export { setAside, Tuner } from './tune.js';
