/** Makes up names that are not taken; linear in the number of calls however often one base comes back. */
export class UniqueNames {
  readonly #taken: Set<string>;
  readonly #next = new Map<string, number>();

  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  /** `base`, or `base_2`, `base_3`, ... if that is taken. */
  fresh(base: string): string {
    let name = base;
    let i = this.#next.get(base) ?? 2;
    for (; this.#taken.has(name); i++) name = `${base}_${i}`;
    this.#next.set(base, i);
    this.#taken.add(name);
    return name;
  }
}
