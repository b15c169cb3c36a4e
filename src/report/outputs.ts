import { toValues } from '../graph/operators/elements.js';
import type { Outputs } from '../runtime/executor.js';
import type { Tensor } from '../runtime/tensor.js';
import { short } from './numbers.js';
import { formatTable, heading } from './table.js';

const shownRows = 10;
const shownColumns = 12;

function formatValue(value: number | bigint): string {
  return typeof value === 'bigint' || Number.isInteger(value) ? String(value) : short(value);
}

/** The first rows of an array, along its last axis. */
function formatTensor(tensor: Tensor): string {
  const { dims, size } = tensor;
  const values = toValues(tensor);
  const width = dims.at(-1) ?? 1;
  const rows = width === 0 ? 0 : size / width;
  const shown = Array.from({ length: Math.min(rows, shownRows) }, (_, row) => [
    row,
    ...Array.from({ length: Math.min(width, shownColumns) }, (_, i) => formatValue(values[row * width + i])),
    ...(width > shownColumns ? ['...'] : []),
  ]);
  const columns = Array.from({ length: Math.min(width, shownColumns) }, (_, i) => ({
    head: String(i),
    align: 'right' as const,
  }));
  const more = width > shownColumns ? [{ head: '' }] : [];
  const rest = rows > shownRows ? `... and ${rows - shownRows} more rows\n` : '';
  return formatTable([{ head: 'row', align: 'right' }, ...columns, ...more], shown) + rest;
}

/** What `kerf run` prints without --json and -o: the head of each output. */
export function formatOutputs(outputs: Outputs): string {
  return Object.entries(outputs)
    .map(([name, tensor]) => heading(`${name} ${tensor.type} [${tensor.dims.join(', ')}]`) + formatTensor(tensor))
    .join('');
}
