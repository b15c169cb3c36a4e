/** A name from a file as an error sentence shows it: quoted, control characters escaped, cut when long. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 77)}...` : name);
}
