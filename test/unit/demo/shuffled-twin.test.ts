import assert from 'node:assert/strict';
import { shuffledTwin } from '../../../src/demo/index.js';
import { loadModel } from '../../../src/model/index.js';

describe('shuffledTwin', () => {
  it('keeps the numbers of the linear part and changes their places', async () => {
    const { graph } = await loadModel('node_modules/@vscode/vscode-languagedetection/model/model.json');
    const twin = shuffledTwin(graph);
    const name = 'linear/linear_model/content/weights';
    const [before, after] = [graph, twin].map((each) => each.initializers.get(name)!.data as Float32Array);
    assert.notDeepEqual(after, before);
    assert.deepEqual(after.slice().sort(), before.slice().sort());
    assert.deepEqual(shuffledTwin(graph), twin);
    for (const [other, tensor] of graph.initializers)
      if (other !== name) assert.equal(twin.initializers.get(other), tensor);
    assert.throws(() => shuffledTwin(graph, 'none'), { code: 'MODEL_INVALID' });
  });
});
