/** cli: the command line. One yargs command module per file; data on stdout, everything else on stderr. */
export { runCommandLine } from './command-line.js';
