/** Elements that HTML never closes. */
const empty = new Set(['meta', '!doctype']);

/**
 * The first thing that is wrong with the nesting of a page's tags, or null: each is closed, in order, and no text
 * holds a bare `<` or an unescaped quote within an attribute.
 */
export function firstFault(page: string): string | null {
  const open: string[] = [];
  const body = page.replace(/<style>[\s\S]*?<\/style>/, '<style></style>');
  const tags = /<(\/?)([a-zA-Z!][\w-]*)((?:\s+[\w:-]+(?:="[^"<]*")?)*)\s*(\/?)>/g;
  let end = 0;
  for (const tag of body.matchAll(tags)) {
    const between = body.slice(end, tag.index);
    if (between.includes('<')) return `bare < in "${between}"`;
    end = tag.index + tag[0].length;
    const [, isClosing, name, , isSelfClosing] = tag;
    if (isClosing && open.pop() !== name) return `</${name}> closes another element`;
    if (!isClosing && !isSelfClosing && !empty.has(name.toLowerCase())) open.push(name);
  }
  if (body.slice(end).includes('<')) return 'bare < at the end';
  return open.length === 0 ? null : `<${open.at(-1)}> is not closed`;
}
