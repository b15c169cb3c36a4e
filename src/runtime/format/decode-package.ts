/** Reads a `.kerf` package in one call, with all that it may need at hand; `kerf/runtime` loads what is rare. */
import { readCascade } from './cascade-reader.js';
import { type DecodedPackage, openPackage, readPackage } from './package-reader.js';

/**
 * Reads and checks a package.
 * @param bytes  the file; kept, since the weights are views of it (copied once if it is not aligned)
 * @throws PACKAGE_VERSION when it is of a version, or has a step kind or field, that this code does not know;
 *   PACKAGE_INVALID for everything else that does not hold
 */
export function decodePackage(bytes: Uint8Array): DecodedPackage {
  const file = openPackage(bytes);
  return readPackage(file, file.cascade === undefined ? undefined : readCascade);
}
