/** Reads tfjs graph models: model.json beside its weight shards. */
import { createHash } from 'node:crypto';
import type { Model } from '../graph/graph.js';
import { KerfError } from '../runtime/errors.js';
import { member, parseJson, stringMember } from './json.js';
import { defaultLimits } from './limits.js';
import { ModelFolder } from './model-folder.js';
import type { ReadOptions } from './onnx.js';
import { quote } from './quote.js';
import { shapeOf, TfConverter, type WantedOutput } from './tfjs-convert.js';
import { reference, TfGraph } from './tfjs-topology.js';
import { readTfjsWeights } from './tfjs-weights.js';
import { UniqueNames } from './unique-names.js';

/** The numeric outputs of the signature, named by the last part of their TensorFlow name. */
function wantedOutputs(signature: unknown): WantedOutput[] {
  const outputs = member(signature, 'outputs');
  const names = new UniqueNames();
  const wanted: WantedOutput[] = [];
  for (const [key, info] of Object.entries(outputs ?? {})) {
    if (member(info, 'dtype') !== 'DT_FLOAT') continue;
    const ref = reference(stringMember(info, 'name', `output ${quote(key)}`));
    const shape = shapeOf(member(info, 'tensorShape'), ref) ?? [];
    wanted.push({ ref, name: names.fresh(ref.slice(ref.lastIndexOf('/') + 1)), shape });
  }
  if (wanted.length > 0) return wanted;
  throw new KerfError('MODEL_INVALID', 'tfjs model', 'no float output in the signature. Convert it with signatures.');
}

/** Class names: the text output made by tiling a constant list of as many texts as the first output has columns. */
function labelsOf(signature: unknown, graph: TfGraph, classes: unknown): readonly string[] | undefined {
  for (const info of Object.values(member(signature, 'outputs') ?? {})) {
    if (member(info, 'dtype') !== 'DT_STRING') continue;
    const tile = graph.node(reference(stringMember(info, 'name', 'output')), 'Tile');
    const texts = graph.strings(graph.node(tile?.inputs[0], 'ExpandDims')?.inputs[0]);
    if (texts && texts.length === classes) return texts;
  }
  return undefined;
}

/**
 * Reads a tfjs graph model. String operators are not read: the graph begins where hashed texts become bucket ids, an
 * int32 input [batch, length] in which negative numbers are padding.
 * @param bytes  model.json
 * @param options.folder  its folder, with the weight shards
 * @throws FILE_FORMAT, MODEL_INVALID, MODEL_LIMIT, FILE_LIMIT, DTYPE_UNSUPPORTED; OPERATOR_UNSUPPORTED with the names
 *   of all operators that kerf does not know
 */
export function readTfjs(bytes: Uint8Array, options: ReadOptions = {}): Model {
  const limits = { ...defaultLimits, ...options.limits };
  if (bytes.length > limits.maxFileBytes) {
    throw new KerfError(
      'FILE_LIMIT',
      'model',
      `too large: got ${bytes.length} bytes, expected <= ${limits.maxFileBytes}.`,
    );
  }
  const file = parseJson(bytes, 'tfjs model');
  const topology = member(file, 'modelTopology');
  const manifest = member(file, 'weightsManifest');
  if (!Array.isArray(manifest) || !Array.isArray(member(topology, 'node'))) {
    throw new KerfError(
      'FILE_FORMAT',
      'tfjs model',
      `not a graph model: got format ${quote(String(member(file, 'format')))}, expected modelTopology with nodes and ` +
        'weightsManifest. Layers models must be converted first.',
    );
  }
  if (options.folder === undefined) {
    throw new KerfError('MODEL_INVALID', 'tfjs model', 'the weights are in other files. Load the model by its path.');
  }
  const folder = new ModelFolder(options.folder, limits.maxFileBytes);
  const tf = new TfGraph(topology, readTfjsWeights(manifest, folder, limits), limits);
  const signature = member(file, 'signature');
  const wanted = wantedOutputs(signature);
  const graph = new TfConverter(tf, wanted).convert('tfjs');
  const hash = createHash('sha256').update(bytes);
  if (folder.digest) hash.update(folder.digest);
  const labels = labelsOf(signature, tf, wanted[0].shape.at(-1));
  return { format: 'tfjs', graph, unsupported: [], sha256: hash.digest('hex'), ...(labels && { labels }) };
}
