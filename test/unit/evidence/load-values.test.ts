import assert from 'node:assert/strict';
import { analysisKernels } from '../../../src/evidence/analysis.js';
import { loadValues } from '../../../src/evidence/load-values.js';
import type { TensorInput } from '../../../src/evidence/tensor-input.js';

describe('loadValues', () => {
  it('takes values that are made in the workspace when they are looked at, also where its memory grows for them', () => {
    const { workspace } = analysisKernels();
    const made = Float32Array.of(1, 2, 3, 4);
    const input: TensorInput = {
      ...{ name: 'w', layer: null, kind: 'weight', rows: 2, columns: 2, fans: { fanIn: 2, fanOut: 2 }, step: 0 },
      get values() {
        // More than the memory holds at this time.
        workspace.scope(() => workspace.allocate('float32', before / 4));
        return made;
      },
    };
    const byteLength = () => workspace.scope(() => workspace.view(workspace.allocate('float32', 1)).buffer.byteLength);
    const before = byteLength();
    workspace.scope(() => {
      const block = workspace.allocate('float32', 2);
      loadValues(input, block, 1);
      assert.deepEqual([...workspace.view(block)], [2, 3]);
    });
    assert.ok(byteLength() > before);
  });
});
