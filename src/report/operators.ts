/** The operators that kerf runs. */
import type { OperatorListing } from '../graph/list-operators.js';
import { formatTable } from './table.js';

const range = ([first, last]: readonly [number, number]) =>
  first === last ? `${first}` : last > 1000 || last === Number.POSITIVE_INFINITY ? `${first}+` : `${first}-${last}`;

/** What `kerf ops` prints: one line per operator and range of operator sets. */
export function formatOperators(operators: readonly OperatorListing[]): string {
  const columns = [{ head: 'operator' }, { head: 'opsets' }, { head: 'runs as' }, { head: 'dtypes' }];
  const rows = operators.map(({ name, domain, opsets, dtypes, lowering }) => [
    domain ? `${domain}.${name}` : name,
    range(opsets),
    lowering,
    dtypes.join(' '),
  ]);
  return formatTable(columns, rows);
}
