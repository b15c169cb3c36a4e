/** Parts: independent substructures of an annealed graph, found by components, matchings and levels. */
export { type FindPartsOptions, findParts } from './find-parts.js';
export type { Part, Parts } from './parts.js';
