/** Annealing: what is removed, what stands for it, and how far the answers are proved to be kept. */
export type { Annealing, Certificate, LayerChoice } from './annealing.js';
