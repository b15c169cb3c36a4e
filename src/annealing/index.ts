/** Annealing: what is removed, what stands for it, and how far the answers are proved to be kept. */
export { anneal } from './anneal.js';
export type { Annealing, Certificate, LayerChoice } from './annealing.js';
export type { AnnealOptions, Evaluate, Progress } from './context.js';
