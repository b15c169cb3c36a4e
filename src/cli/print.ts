import { plain } from '../report/plain.js';

/** Values that JSON has no word for: typed arrays become lists, big integers numbers or text, NaN and infinities null. */
function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Map) return Object.fromEntries(value);
  if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array);
  return value;
}

/** Data of a command, to stdout. */
export function print(text: string): void {
  process.stdout.write(text);
}

export function formatJson(value: unknown): string {
  return `${JSON.stringify(value, jsonValue, 2)}\n`;
}

/** The result of a command: JSON when asked for, else the table a person reads. */
export function printResult(json: unknown, result: unknown, format: () => string): void {
  print(json ? formatJson(result) : format());
}

/** A remark to the person at the terminal, on stderr. */
export function remark(text: string): void {
  process.stderr.write(`kerf: ${plain(text)}\n`);
}
