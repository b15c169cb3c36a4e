/** `kerf report`: a package as a page for people. */
import { readSource } from '../model/load.js';
import { writeOutputFile } from '../model/output-file.js';
import { htmlPage } from '../report/html.js';
import { formatPackageInspection, inspectPackage } from '../report/package-inspection.js';
import { decodePackage } from '../runtime/format/decode-package.js';
import type { ReportArgs } from './commands/report.js';
import { pathOrStdin } from './input-files.js';
import { checkOutputPaths } from './output-paths.js';
import { formatJson, print } from './print.js';

export async function runReport({ package: path, output, json }: ReportArgs): Promise<void> {
  checkOutputPaths({ '--output': output }, { PACKAGE: path });
  const { bytes } = await readSource(pathOrStdin(path));
  const inspection = inspectPackage(decodePackage(bytes));
  const page = htmlPage('kerf package', [{ title: 'Contents', text: formatPackageInspection(inspection) }]);
  writeOutputFile(output, new TextEncoder().encode(page));
  if (json && output !== '-') print(formatJson({ output }));
}
