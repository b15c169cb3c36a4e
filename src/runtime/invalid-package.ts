import { KerfError } from './errors.js';

/** The error of a package that breaks a rule of its format: `where` it does, and what is wrong. */
export function invalidPackage(where: string, problem: string, options?: ErrorOptions): KerfError {
  return new KerfError('PACKAGE_INVALID', where, `${problem}. Build the package again.`, {}, options);
}
