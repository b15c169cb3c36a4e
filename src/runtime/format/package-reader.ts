/** Reads a `.kerf` package: the container, the plan, what its maker says of it. */
import type { Cascade } from '../cascade.js';
import { checkPlan } from '../check-plan.js';
import { KerfError } from '../errors.js';
import { invalidPackage } from '../invalid-package.js';
import type { Plan } from '../plan.js';
import { parseJson } from './json.js';
import { readPlan } from './plan-reader.js';
import { isObject, readSafetensors, type Safetensors } from './safetensors.js';

/** The value of `kerf.version` that this code writes and reads. */
export const packageVersion = '1';

/** Every tensor, and the payload's start, is at a multiple of it. */
export const packageAlignmentBytes = 64;

/** What a package holds, as the runtime needs it. */
export interface DecodedPackage {
  /** Its weights are views of the file. */
  readonly plan: Plan;
  /** The original and when it runs; null without a cascade. */
  readonly cascade: Cascade | null;
  /** The maker's claim, until it is verified. */
  readonly certificate: object | null;
  readonly source: Readonly<Record<string, unknown>>;
}

/** Metadata that this code knows; keys of other tools are their own affair. */
const metadataKeys = ['kerf.version', 'kerf.plan', 'kerf.cascade', 'kerf.certificate', 'kerf.source'];

const invalid = (problem: string) => invalidPackage('package', problem);

/** Whether a file may be a package: a safetensors header that opens with kerf's metadata. */
export function isPackage(bytes: Uint8Array): boolean {
  if (bytes.length < 16) return false;
  const start = new TextDecoder().decode(bytes.subarray(8, 8 + 256));
  return start.startsWith('{"__metadata__":{"kerf.version"');
}

/** A package whose container is checked, and whose plans are still JSON. */
export interface OpenPackage {
  readonly file: Safetensors;
  /** The values of `kerf.plan` and `kerf.cascade`; undefined without a cascade. */
  readonly plan: unknown;
  readonly cascade: unknown;
}

/** Reads the cascade of a package: {@link readCascade} of cascade-reader.ts, which not every package needs. */
export type CascadeReader = (json: unknown, compressed: Plan, file: Safetensors) => Cascade;

/**
 * Reads and checks the container of a package.
 * @param bytes  the file; kept, since the weights are views of it (copied once if it is not aligned)
 * @throws PACKAGE_VERSION when it is of a version, or has metadata, that this code does not know; PACKAGE_INVALID for
 *   everything else that does not hold
 */
export function openPackage(bytes: Uint8Array): OpenPackage {
  const file = readSafetensors(bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes));
  const version = file.metadata.get('kerf.version');
  if (version === undefined) throw invalid('it is a safetensors file without a plan');
  if (version !== packageVersion) {
    throw new KerfError(
      'PACKAGE_VERSION',
      'package',
      `unknown version: got "${version.slice(0, 20)}", expected "${packageVersion}". Use another version of kerf.`,
    );
  }
  checkKeys(file);
  checkAlignment(file, bytes.length);
  const cascade = file.metadata.has('kerf.cascade') ? metadataJson(file, 'kerf.cascade') : undefined;
  return { file, plan: metadataJson(file, 'kerf.plan'), cascade };
}

/** The kinds of the steps of a plan that is not checked yet. */
export function stepKindsOf(json: unknown): Set<string> {
  const steps = (json as { steps?: unknown } | null)?.steps;
  return new Set(Array.isArray(steps) ? steps.map((step) => String(step?.kind)) : []);
}

/**
 * Reads and checks the plans of a package.
 * @param readCascade  needed where {@link OpenPackage.cascade} is defined
 * @throws PACKAGE_VERSION when it has a step kind or field that this code does not know; PACKAGE_INVALID for everything
 *   else that does not hold
 */
export function readPackage(
  { file, plan: json, cascade: cascadeJson }: OpenPackage,
  readCascade: CascadeReader | undefined,
): DecodedPackage {
  const plan = readPlan(json, file);
  checkPlan(plan);
  const cascade = readCascade ? readCascade(cascadeJson, plan, file) : null;
  const certificate = metadataJson(file, 'kerf.certificate');
  const source = metadataJson(file, 'kerf.source');
  if (certificate !== null && !isObject(certificate)) throw invalid('its certificate is not an object');
  if (!isObject(source)) throw invalid('its source is not an object');
  return { plan, cascade, certificate, source };
}

function checkKeys({ metadata }: Safetensors): void {
  const unknown = [...metadata.keys()].find((key) => key.startsWith('kerf.') && !metadataKeys.includes(key));
  if (unknown === undefined) return;
  throw new KerfError('PACKAGE_VERSION', 'package', `unknown metadata "${unknown}". Use a newer version of kerf.`);
}

function metadataJson({ metadata }: Safetensors, key: string): unknown {
  const text = metadata.get(key);
  if (text === undefined) throw invalid(`metadata "${key}" is missing`);
  return parseJson(text, key);
}

function checkAlignment({ tensors, payload }: Safetensors, fileBytes: number): void {
  if ((fileBytes - payload.length) % packageAlignmentBytes !== 0) throw invalid('its payload is not aligned');
  for (const [name, { begin, end }] of tensors) {
    if (begin % packageAlignmentBytes || end % packageAlignmentBytes) throw invalid(`tensor "${name}" is not aligned`);
  }
}
