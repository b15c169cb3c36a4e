/** `kerf inspect`: tells what a model or a package contains. */
import { modelOf, readSource } from '../model/load.js';
import { formatInspection, inspectModel } from '../report/inspection.js';
import { formatPackageInspection, inspectPackage } from '../report/package-inspection.js';
import { decodePackage } from '../runtime/format/decode-package.js';
import { isPackage } from '../runtime/format/package-reader.js';
import { pathOrStdin } from './input-files.js';
import { printResult } from './print.js';

export async function runInspect({ model: path, json }: { model: string; json: boolean | undefined }): Promise<void> {
  const source = await readSource(pathOrStdin(path));
  if (isPackage(source.bytes)) {
    const inspection = inspectPackage(decodePackage(source.bytes));
    printResult(json, inspection, () => formatPackageInspection(inspection));
  } else {
    const inspection = inspectModel(modelOf(source));
    printResult(json, inspection, () => formatInspection(inspection));
  }
}
