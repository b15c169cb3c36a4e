/** What `kerf/runtime` has in place of the table of exit codes (`#exit-codes`): it has no command line. */
export function exitCodeOf(): number {
  return 1;
}
