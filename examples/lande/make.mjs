/** Writes lande.onnx and lande.safetensors beside this file: `node examples/lande/make.mjs`, after `npm run build`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { exportOnnx } from '../../build/src/index.js';
import options from '../node_modules/lande/standalone/t50-options.js';
import { encodeSafetensors, toGraph } from './convert.mjs';

const pathOf = (name) => fileURLToPath(new URL(name, import.meta.url));

const graph = toGraph(options);
await exportOnnx(graph, pathOf('lande.onnx'));
writeFileSync(pathOf('lande.safetensors'), encodeSafetensors(graph.initializers));
