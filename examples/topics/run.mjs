/** Finds the domains of a net on documents and runs them as parts: `node examples/topics/run.mjs`, after `npm run build`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decompose, InferenceSession, loadModel, savePackage, Tensor } from '../../build/src/index.js';
import { readArrays } from '../../build/src/model/index.js';

const fixture = (name) => fileURLToPath(new URL(`../../test/golden/topics/${name}`, import.meta.url));
const arrays = await readArrays(fixture('topics.npz'));

/** Documents as the net reads them: clipped counts over 3. */
function documents(name) {
  const { data, dims } = arrays.get(name);
  return new Tensor(
    'float32',
    Float32Array.from(data, (count) => count / 3),
    dims,
  );
}

/** Share of right answers. */
function accuracy({ data, dims: [n, classes] }) {
  const labels = arrays.get('labels').data;
  let right = 0;
  for (let row = 0; row < n; row++) {
    const scores = data.subarray(row * classes, (row + 1) * classes);
    if (scores.indexOf(Math.max(...scores)) === labels[row]) right++;
  }
  return right / n;
}

/** Processor time of a run on all test documents: the least of several. */
function timeOf(session, x) {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 30; round++) {
    const start = process.cpuUsage();
    session.runSync({ x });
    const { user, system } = process.cpuUsage(start);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

const model = await loadModel(fixture('topics.onnx'));
const made = await decompose(model, {
  calibration: { x: documents('calibration') },
  guard: { x: documents('guard') },
  maxDisagreement: 0.02,
  cascade: 'off',
});
const folder = mkdtempSync(join(tmpdir(), 'kerf-topics-'));
try {
  const path = join(folder, 'topics.kerf');
  await savePackage(made.package, path);
  const x = documents('test');
  const sessions = [
    await InferenceSession.create(fixture('topics.onnx'), { executor: 'wasm' }),
    await InferenceSession.create(path, { executor: 'wasm' }),
  ];
  const [dense, parts] = sessions.map((session) => ({
    accuracy: accuracy(session.runSync({ x }).logits),
    ms: timeOf(session, x),
  }));
  for (const session of sessions) await session.release();
  const { summary } = made;
  const truth = arrays.get('domains').data;
  console.log('part  parameters  multiply-adds');
  for (const { id, parameters, macs } of summary.parts) {
    console.log(`${String(id).padEnd(4)}  ${String(parameters).padStart(10)}  ${String(macs).padStart(13)}`);
  }
  const words = truth.reduce((count, domain) => count + Number(domain < 8), 0);
  console.log(`
${summary.parts.length} parts exchange ${summary.bus.r} numbers; ${words} of ${truth.length} words ever occur
                              before     after
multiply-adds a document  ${String(summary.macs.before).padStart(10)}${String(summary.macs.after).padStart(10)}
class right               ${`${(100 * dense.accuracy).toFixed(1)} %`.padStart(10)}${`${(100 * parts.accuracy).toFixed(1)} %`.padStart(10)}
ms for ${x.dims[0]} documents     ${dense.ms.toFixed(2).padStart(10)}${parts.ms.toFixed(2).padStart(10)}

${summary.certificate.statement}`);
} finally {
  rmSync(folder, { recursive: true });
}
