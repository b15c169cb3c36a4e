/** C0 and C1 controls, DEL, and the marks that reorder or hide text on a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must go
const unsafe = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Text from a file, made safe to print: one line, no control characters. */
export function plain(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').replace(unsafe, '');
}

/**
 * A name of at most `width` characters, shortened in the middle: its end tells it from its neighbours.
 * @example  shortened('encoder/layer_0/weight', 13) === 'encode…weight'
 */
export function shortened(name: string, width: number): string {
  const letters = [...plain(name)];
  if (letters.length <= width) return letters.join('');
  const kept = Math.max(2, width - 1);
  const tail = Math.ceil(kept / 2);
  return `${letters.slice(0, kept - tail).join('')}…${letters.slice(-tail).join('')}`;
}
