import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { allowedCores } from '../../../src/threads/allowed-cores.js';

describe('allowedCores', () => {
  it('is a whole number from 1 to what the system offers', () => {
    assert.ok(Number.isInteger(allowedCores()));
    assert.ok(allowedCores() >= 1 && allowedCores() <= availableParallelism());
  });
});
