/** Writes what the pipeline made: packages and ONNX files, whole or not at all. */
import type { Graph } from './graph/graph.js';
import { writeOutputFile } from './model/output-file.js';
import { encodePackage } from './package/kerf-writer.js';
import { encodeOnnx } from './package/onnx-writer.js';
import type { Package } from './package/package.js';
import { graphOfPlan } from './package/plan-graph/index.js';

/**
 * Writes a package file; the same package gives the same bytes.
 * @param path  of the file; an older one is replaced only once the new one is whole
 * @throws IO_FAILED when the folder is missing or the disk is full
 */
export async function savePackage(pkg: Package, path: string): Promise<void> {
  writeOutputFile(path, encodePackage(pkg));
}

/**
 * Writes a graph, for example that of a decomposition's parts, or the decomposed network of a package as standard ONNX.
 * Of a cascade the original is left out; int8 weights of a package become the numbers that they stand for.
 * @throws IO_FAILED as {@link savePackage}; OPERATOR_UNSUPPORTED for a node that standard ONNX cannot say
 */
export async function exportOnnx(network: Graph | Pick<Package, 'plan'>, path: string): Promise<void> {
  writeOutputFile(path, encodeOnnx('plan' in network ? graphOfPlan(network.plan) : network));
}
