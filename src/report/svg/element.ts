import { escapeHtml } from '../html.js';

type Attributes = Readonly<Record<string, string | number>>;

/** Two decimals are a hundredth of a pixel. */
function attribute(value: string | number): string {
  return typeof value === 'number' ? String(Number(value.toFixed(2))) : escapeHtml(value);
}

/**
 * One SVG element as text: numbers are rounded, text is escaped.
 * @param children  SVG that is already safe
 * @example  element('rect', { x: 1.234, y: 0 }) === '<rect x="1.23" y="0"/>'
 */
export function element(name: string, attributes: Attributes, children = ''): string {
  const words = Object.entries(attributes).map(([key, value]) => ` ${key}="${attribute(value)}"`);
  return children ? `<${name}${words.join('')}>${children}</${name}>` : `<${name}${words.join('')}/>`;
}

/** Words in a drawing, escaped. */
export function label(x: number, y: number, text: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escapeHtml(text));
}
