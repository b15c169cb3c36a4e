/** The values that a graph may use: its own, and those of the graphs around it. */
import { KerfError } from '../runtime/errors.js';
import { quote } from './quote.js';

export class Scope {
  readonly #own = new Set<string>();

  /**
   * @param where  the graph, for error sentences
   * @param outer  scope of the enclosing graph
   */
  constructor(
    readonly where: string,
    readonly outer?: Scope,
  ) {}

  has(name: string): boolean {
    return this.#own.has(name) || (this.outer?.has(name) ?? false);
  }

  /** @throws MODEL_INVALID when the name is empty or taken, here or further out */
  define(name: string): void {
    if (name === '') throw new KerfError('MODEL_INVALID', this.where, 'a value has no name.');
    if (this.has(name)) throw duplicateName(this.where, name);
    this.#own.add(name);
  }

  /** @throws MODEL_INVALID when nothing makes the value */
  use(name: string, where: string): void {
    if (this.has(name)) return;
    throw new KerfError('MODEL_INVALID', where, `the value ${quote(name)} is used but nothing makes it.`);
  }
}

export function duplicateName(where: string, name: string): KerfError {
  return new KerfError('MODEL_INVALID', where, `the name ${quote(name)} is defined twice: expected unique names.`);
}
