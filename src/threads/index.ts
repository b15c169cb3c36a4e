/** Worker threads that claim the tasks of a run from shared memory; Piscina starts and owns them. */
export { allowedCores } from './allowed-cores.js';
export { ThreadHost } from './host.js';
export { startPool } from './start-pool.js';
