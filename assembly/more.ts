/** The steps that the core (core.ts) lacks. The build takes the core's from there: see from-core.ts. */
export { heap_base } from './heap';
export { run_steps } from './steps';
